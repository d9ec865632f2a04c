"""A web server on this machine, which knows no ranges, and shows files only to those who bring a signature."""

from __future__ import annotations

import contextlib
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIGNED = "?sig=secret"


@contextlib.contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """Show a folder, and tell where."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def send_head(self) -> Any:
            if self.path.endswith(SIGNED):
                return super().send_head()
            self.send_error(403)
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
