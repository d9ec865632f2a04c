"""Elements of a page as text: well-formed XML that is HTML, too. Whatever is no `Markup` is escaped."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

EMPTY = frozenset({"line", "link", "meta", "path", "polygon", "rect"})
"""Elements that have no content and no end tag."""

UNSPEAKABLE = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML has no place for, and half characters, and controls that browsers take for something else."""


class Markup(str):
    """Text that is markup already, and is not escaped again."""

    __slots__ = ()


def escaped(text: str) -> Markup:
    """Return text as markup that shows it; what cannot be shown becomes the sign for that."""
    return text if isinstance(text, Markup) else Markup(html.escape(UNSPEAKABLE.sub("\ufffd", text)))


def joined(parts: Iterable[str]) -> Markup:
    """Return several texts as one."""
    return Markup("".join(map(escaped, parts)))


def element(tag: str, *children: str, **attributes: str | float) -> Markup:
    """Return an element.

    Parameters
    ----------
    tag
        Its name.
    *children
        What is in it: `Markup`, or text, which is escaped.
    **attributes
        By name; ``_`` stands for ``-``, and one at the end is dropped: ``class_``.
    """
    names = (name.rstrip("_").replace("_", "-") for name in attributes)
    told = (f' {name}="{escaped(_value(value))}"' for name, value in zip(names, attributes.values(), strict=True))
    head = f"<{tag}{''.join(told)}"
    return Markup(f"{head}/>" if tag in EMPTY else f"{head}>{joined(children)}</{tag}>")


def _value(value: str | float) -> str:
    """Write the value of an attribute."""
    return value if isinstance(value, str) else number(value)


def number(value: float) -> str:
    """Write a number with at most two digits after the point, and no more than it needs."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
