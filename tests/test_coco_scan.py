"""The scan for brackets: the same places as a reader of one byte after the other finds, however a document is cut."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipgen.coco.scan import COMMA, Scan

words = st.text('ab"\\\\[]{},: \u00e9', max_size=6)
values = st.recursive(
    words | st.integers(-9, 9) | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=3),
    max_leaves=12,
)
documents = st.builds(
    lambda value, indent, ascii_only: json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode(),
    st.dictionaries(words, values, max_size=4),
    st.sampled_from((None, 0, 2)),
    st.booleans(),
)
snippets = st.lists(
    st.sampled_from([*(bytes([byte]) for byte in b'"\\\\[]{},:1 a'), b"],[", b"{}", b'\\"']), max_size=30
)


def scanned(document: bytes, size: int) -> Any:
    """Return what a scan in blocks of some size finds, as plain values."""
    scan = Scan()
    for start in range(0, len(document), size):
        scan.feed(document[start : start + size])
    found = scan.places()
    return None if found is None else [list(map(tuple, spans.tolist())) for spans in found]


def naive(document: bytes) -> list[list[tuple[int, int]]]:
    """Return members and entries of a document that is JSON, found a byte at a time."""
    found: dict[int, list[tuple[int, int]]] = {1: [], 2: [], 3: []}
    opened: list[int] = []
    is_inside = is_escaped = False
    for at, byte in enumerate(document):
        if is_inside:
            is_inside = is_escaped or byte != b'"'[0]
            is_escaped = not is_escaped and byte == b"\\"[0]
        elif byte == b'"'[0]:
            is_inside = True
        elif byte in b"[{":
            opened.append(at)
        elif byte in b"]}":
            found.setdefault(len(opened), []).append((opened.pop(), at + 1))
    return [found[2], found[3]]


@given(documents, st.integers(1, 40))
def test_brackets_are_found_wherever_blocks_end(document: bytes, size: int) -> None:
    members, entries, odd = scanned(document, size)
    assert [members, entries] == naive(document)
    gaps = {
        (before, after)
        for (_, before), (after, _) in itertools.pairwise(entries)
        if not any(start < before <= stop < after for start, stop in members)
    }
    strange = {gap for gap in gaps if not COMMA.fullmatch(document[slice(*gap)])}
    assert strange <= set(odd) <= gaps
    assert odd == sorted(odd)
    assert size < len(document) or set(odd) == strange


@given(snippets.map(b"".join), st.integers(1, 5))
def test_what_is_no_json_does_not_depend_on_blocks(document: bytes, size: int) -> None:
    whole, cut = scanned(document, 1 << 20), scanned(document, size)
    assert (whole is None) == (cut is None)
    assert whole is None or whole[:2] == cut[:2]


@pytest.mark.parametrize("document", ["", "1", "{", '{"a": [}', '{"a', '{"a": "\\\\\\""', "{}]", '["\\"]'])
def test_what_ends_inside_of_something_has_no_places(document: str) -> None:
    assert scanned(document.encode(), 3) is None


@pytest.mark.parametrize("slashes", range(1, 9))
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_backslashes_are_counted_over_the_ends_of_blocks(slashes: int, size: int) -> None:
    text = b"\\" * slashes + (b'"' if slashes % 2 else b"")
    document = b'{"a": ["' + text + b'", []], "b": ["[", {}]}'
    members, entries, _ = scanned(document, size)
    assert [document[slice(*span)] for span in entries] == [b"[]", b"{}"]
    assert len(members) == 2
