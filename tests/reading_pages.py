"""Reading charts and pages back, as XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET

HTML, SVG = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/2000/svg}"


def parsed(text: str) -> ET.Element:
    """Return a page or a chart of ours as a tree."""
    return ET.fromstring(text)  # noqa: S314 -- it has no entities, and was made a moment ago


def words(part: ET.Element) -> str:
    """Return all text of a part of a page."""
    return "".join(part.itertext())


def counts_drawn(part: ET.Element, style: str = "") -> list[ET.Element]:
    """Return the rectangles that stand for a count, those of a style only."""
    shapes = [one for one in part.iter(f"{SVG}rect") if one.get("data-count")]
    return [one for one in shapes if not style or style in one.get("class", "").split()]


def drawn(part: ET.Element, style: str = "") -> int:
    """Return what the counts drawn in a part of a page add up to, those of a style only."""
    return sum(int(one.get("data-count", "")) for one in counts_drawn(part, style))
