"""What sections are made of: tables, lists, figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipgen.charts import Markup, element

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

LONG_TABLE = 8
"""Rows beyond which a table is folded away."""

LONGEST_NAME = 200
"""Letters of a name that a table shows."""


def section(title: str, *parts: str) -> Markup:
    """Return a section."""
    return element("section", element("h2", title), *parts)


def paragraph(*words: str, style: str = "") -> Markup:
    """Return a paragraph."""
    return element("p", *words, **({"class_": style} if style else {}))


def figure(chart: Markup) -> Markup:
    """Return a chart in its frame."""
    return element("figure", chart)


def listing(lines: Sequence[str], style: str) -> Markup:
    """Return lines as a list."""
    return element("ul", *(element("li", one, class_="told") for one in lines), class_=style)


def table(rows: Sequence[Sequence[str]], texts: Collection[int] = (0,), bad: Collection[int] = ()) -> Markup:
    """Return a table, folded away when it is long.

    Parameters
    ----------
    rows
        A head first.
    texts
        Columns of text; the others hold numbers.
    bad
        Rows, counted without the head, that must stand out.
    """
    head = element("thead", element("tr", *(_cell("th", word, column, texts) for column, word in enumerate(rows[0]))))
    body = [
        element("tr", *(_cell("td", word, column, texts, bad=number in bad) for column, word in enumerate(row)))
        for number, row in enumerate(rows[1:])
    ]
    whole = element("div", element("table", head, element("tbody", *body)), class_="scroll")
    if len(body) <= LONG_TABLE:
        return whole
    return element("details", element("summary", f"the numbers: {len(body):,} rows"), whole)


def _cell(tag: str, word: str, column: int, texts: Collection[int], *, bad: bool = False) -> Markup:
    """Return a cell; a text stands apart from what is written beside it, whichever way it runs."""
    style = " ".join(filter(None, ("text" if column in texts else "", "bad" if bad else "")))
    extra = {"class_": style} if style else {}
    if tag == "th":
        extra["scope"] = "col"
    short = word if len(word) <= LONGEST_NAME else f"{word[:LONGEST_NAME]}\u2026"
    return element(tag, element("bdi", short) if column in texts else short, **extra)


def share(part: int, whole: int) -> str:
    """Write a share for people; only all is 100 %, and only nothing is 0 %."""
    if not whole:
        return "none"
    text = f"{part / whole:.2%}"
    if text == "100.00%" and part < whole:
        return "99.99%"
    return "0.01%" if text == "0.00%" and part else text
