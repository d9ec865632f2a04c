"""The page: template, style and script in one file that needs no server, no network and no other file."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from chipgen.viewing.content import dumped

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICY = "default-src 'none'; img-src data:; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'"
"""A browser runs our script only, and asks nobody for anything, whatever names of files and classes hold."""


def page(data: Mapping[str, Any]) -> bytes:
    """Return the page.

    Parameters
    ----------
    data
        What `chipgen.viewing.content` made.
    """
    parts = files("chipgen.viewing").joinpath("page")
    template, style, script = (
        parts.joinpath(name).read_text(encoding="utf-8") for name in ("page.html", "page.css", "page.js")
    )
    policy = POLICY.format(style=_digest(style), script=_digest(script))
    whole = template.replace("{{policy}}", policy).replace("{{style}}", style).replace("{{script}}", script)
    return whole.replace("{{data}}", dumped(data)).encode()


def _digest(text: str) -> str:
    """Return the checksum of a text as a policy names it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
