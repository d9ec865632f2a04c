"""An object storage on this machine: moto behind a real port, which counts what is asked of it and refuses as told."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from dataclasses import dataclass, field
from http.client import responses
from threading import Thread
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import unquote
from urllib.request import Request, urlopen

import boto3
import fsspec
from joblib.externals.loky import get_reusable_executor
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from chipgen.remote import systems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

SECRET = "wJalrXUtnFEMIneverToldEXAMPLEKEY"  # noqa: S105 -- of nobody
KEY_ID = "AKIANEVERTOLDEXAMPLE"


class _Quiet(MotoRequestHandler):
    """Answers without a word on stderr."""

    def log(self, *_: Any, **__: Any) -> None:
        """Say nothing."""


@dataclass
class ObjectStore:
    """A storage with buckets.

    Parameters
    ----------
    env
        What programs need in their environment to find it; it stands in ours while the store is open.
    requests
        How often each verb was asked for, such as ``GET``.
    asked
        Verb, and path with query, of each request in turn.
    sent
        Bytes that were asked for by range or whole of each path.
    fault
        Called with verb and path (``/bucket/key``, unquoted); a status such as 503 is answered at once, None lets pass.
    """

    env: dict[str, str] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    asked: list[tuple[str, str]] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    fault: Callable[[str, str], int | None] = lambda *_: None

    @property
    def client(self) -> Any:
        """Return a client of boto3."""
        return boto3.client("s3", endpoint_url=self.env["AWS_ENDPOINT_URL"])

    def put(self, url: str, data: bytes) -> None:
        """Write an object; its bucket is made if need be."""
        bucket, key = _parts(url)
        self._bucket(bucket)
        self.client.put_object(Bucket=bucket, Key=key, Body=data)

    def get(self, url: str) -> bytes:
        """Return an object."""
        bucket, key = _parts(url)
        return bytes(self.client.get_object(Bucket=bucket, Key=key)["Body"].read())

    def delete(self, url: str) -> None:
        """Remove an object."""
        bucket, key = _parts(url)
        self.client.delete_object(Bucket=bucket, Key=key)

    def put_tree(self, local: Path, url: str) -> None:
        """Copy a folder up."""
        bucket, prefix = _parts(url)
        self._bucket(bucket)
        client = self.client
        for path in sorted(local.rglob("*")):
            if path.is_file():
                key = "/".join(filter(None, (prefix, path.relative_to(local).as_posix())))
                client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())

    def get_tree(self, url: str, local: Path) -> Path:
        """Copy all below a URL down, into a folder, which is returned."""
        bucket, prefix = _parts(url)
        client = self.client
        local.mkdir(parents=True, exist_ok=True)
        for name in self.keys(url):
            path = local / name
            path.parent.mkdir(parents=True, exist_ok=True)
            key = "/".join(filter(None, (prefix, name)))
            path.write_bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())
        return local

    def keys(self, url: str) -> list[str]:
        """Return the names of all objects below a URL, from there, sorted."""
        bucket, prefix = _parts(url)
        start = f"{prefix}/" if prefix else ""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start)
        return sorted(entry["Key"][len(start) :] for page in pages for entry in page.get("Contents", ()))

    @contextlib.contextmanager
    def counting(self) -> Iterator[Counter[str]]:
        """Give what is asked for in the block, by verb."""
        before, found = self.requests.copy(), Counter[str]()
        yield found
        found.update(self.requests - before)

    def _bucket(self, name: str) -> None:
        """Make a bucket, unless it is there."""
        with contextlib.suppress(self.client.exceptions.BucketAlreadyOwnedByYou):
            self.client.create_bucket(Bucket=name)

    def _answering(self, app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        """Return an application that counts, and refuses what is to be refused."""

        def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            verb, asked = environ["REQUEST_METHOD"], environ.get("RAW_URI", environ["PATH_INFO"])
            path = unquote(asked.partition("?")[0])
            self.requests[verb] += 1
            self.asked.append((verb, unquote(asked)))
            status = self.fault(verb, path)
            if status is None:
                pieces = list(app(environ, start))
                self.sent[path] += sum(map(len, pieces))
                return pieces
            start(f"{status} {responses[status]}", [("Content-Length", "0")])
            return [b""]

        return answer


def _parts(url: str) -> tuple[str, str]:
    """Return bucket and key of a URL."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def _post(url: str) -> None:
    """Send nothing."""
    urlopen(Request(url, method="POST"), timeout=10).close()  # noqa: S310 -- our own server


def forget_connections() -> None:
    """Forget connections to storages: they remember where they lead, and with which keys."""
    systems._connected.cache_clear()
    get_reusable_executor().shutdown(wait=True)  # workers that were started before have another environment
    for name in ("s3", "http"):
        fsspec.get_filesystem_class(name).clear_instance_cache()


@contextlib.contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Run a storage, told to this process and to programs that it starts by the environment."""
    store = ObjectStore()
    app = store._answering(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    store.env |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    forget_connections()
    with mock.patch.dict(os.environ, store.env):
        try:
            yield store
        finally:
            forget_connections()
            _post(f"{store.env['AWS_ENDPOINT_URL']}/moto-api/reset")  # its buckets outlive the server
            server.shutdown()
            thread.join()
            server.server_close()
