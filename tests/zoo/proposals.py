"""Section G: files of proposals as a whole, unreadable, pickled, damaged."""

from __future__ import annotations

import gzip
import json
import os
import pickle
from pathlib import Path

import numpy as np

from zoo import proposal_values
from zoo.entry import Entry, good, make_socket
from zoo.proposal_entry import (
    TRUST,
    arrays,
    bomb,
    claiming,
    cut,
    detectron2,
    entry,
    lines,
    listed,
    members,
    npy_bytes,
    npz,
    pickled,
    raw,
    results,
    table,
    zipped,
)

KINDS = {"json": listed(), "lines": lines(), "table": table(), "npz": npz(), "pickle": pickled(detectron2())}

UNREADABLE = [
    Entry("G66", "missing", lambda path: None, "No such file"),
    Entry("G66", "folder", lambda path: path.mkdir(), "not a regular file"),
    Entry("G66", "pipe", os.mkfifo, "not a regular file", apart=True),
    Entry("G66", "socket", lambda path: make_socket(path.parent, path.name), "not a regular file"),
    Entry("G66", "device", lambda path: path.symlink_to("/dev/zero"), "not a regular file", apart=True),
    Entry("G66", "link_loop", lambda path: path.symlink_to(path.name), "cannot be read"),
]

PICKLES = [
    *(Entry("G65", f"protocol_{n}", pickled(detectron2(), n), "pickle refused") for n in range(6)),
    *(
        Entry("G65", f"{name}_{n}", pickled(value, n), "pickle refused")
        for name, value in {"list": [1], "dict": {"a": 1}, "tuple": (1, 2), "array": np.ones(3)}.items()
        for n in range(6)
    ),
    Entry("G65", "object_npy", raw(npy_bytes(np.array([{}, []], dtype=object))), "pickle refused"),
    Entry(
        "G65", "object_npy_trusted", raw(npy_bytes(np.array([{}, []], dtype=object))), "pickle refused", arguments=TRUST
    ),
    Entry("G65", "object_in_npz", npz(bbox=np.array([{}, []], dtype=object)), "pickle refused"),
    Entry("G65", "object_scores_in_npz", npz(score=np.array([None] * 3)), "pickle refused", arguments=TRUST),
    Entry("G65", "other_class", pickled(Path("x")), "holds pathlib.", arguments=TRUST),
    Entry(
        "G65",
        "complex",
        pickled(detectron2(boxes=[np.ones((1, 4), complex)] * 2)),
        "holds an array of type 'c16'",
        arguments=TRUST,
    ),
    Entry("G65", "set", pickled({1, 2}), "holds an instruction that makes objects", arguments=TRUST),
    Entry("G65", "nothing", pickled(None), "in no layout", arguments=TRUST),
    Entry("G65", "number", pickled(3), "in no layout", arguments=TRUST),
    Entry("G65", "empty_dict", pickled({}), "in no layout", arguments=TRUST),
    Entry("G65", "no_ids", pickled(detectron2(ids=None)), "ids: is missing", arguments=TRUST),
    Entry("G65", "ids_fractional", pickled(detectron2(ids=[1.5, 2])), "its id is a fraction", arguments=TRUST),
    Entry("G65", "ids_true", pickled(detectron2(ids=[True, 2])), "its id is true or false", arguments=TRUST),
    Entry("G65", "ids_text", pickled(detectron2(ids=["1", "a"])), "its id is the text 'a'", arguments=TRUST),
    Entry("G65", "ids_huge", pickled(detectron2(ids=[2**63, 2])), "its id is an integer", arguments=TRUST),
    Entry("G65", "fewer_ids", pickled(detectron2(ids=[1])), "2 boxes, 1 ids", arguments=TRUST),
    Entry(
        "G65",
        "fewer_scores",
        pickled(detectron2(objectness_logits=[np.ones(2), np.ones(0)])),
        "for 1 box",
        arguments=TRUST,
    ),
    Entry(
        "G65",
        "wide_boxes",
        pickled(detectron2(boxes=[np.ones((1, 3)), np.ones((0, 4))])),
        "shape (1, 3)",
        arguments=TRUST,
    ),
    Entry(
        "G65",
        "true_boxes",
        pickled(detectron2(boxes=[np.ones((1, 4), bool), np.ones((0, 4))])),
        "type bool",
        arguments=TRUST,
    ),
    Entry("G65", "other_mode", pickled(detectron2(bbox_mode=2)), "bbox_mode: is 2", arguments=TRUST),
    Entry("G65", "list_without_coco", pickled(arrays()), "--coco", arguments=TRUST),
    Entry("G65", "names_without_coco", pickled({"a.jpg": arrays()[0]}), "--coco", arguments=TRUST),
    Entry("G65", "two_pickles", raw(pickle.dumps(detectron2()) * 2), "more behind the end", arguments=TRUST),
    Entry("G65", "detectron2", pickled(detectron2()), "1 proposal of 1 image", 0, TRUST),
]

DAMAGED = [
    *(
        Entry("G66", f"{kind}_cut_at_{share}", cut(writer, share), "", arguments=TRUST)
        for kind, writer in KINDS.items()
        for share in (0.3, 0.6, 0.97)
    ),
    Entry("G66", "trailing_text", raw(json.dumps(results()) + "\n x"), "more behind the end"),
    Entry("G66", "two_lists", raw(json.dumps(results()) * 2), "more behind the end"),
    Entry("G66", "list_not_closed", raw(json.dumps(results())[:-1]), "the file ends in the middle of its list"),
    Entry("G66", "comma_at_the_end", raw(json.dumps(results())[:-1] + ",]"), "too many"),
    Entry("G66", "comma_at_the_start", raw("[," + json.dumps(results())[1:]), "entry[0]: no valid JSON"),
    Entry("G66", "no_comma", raw(json.dumps(results()).replace("}, {", "} {")), "comma is missing"),
    Entry("G66", "single_quotes", raw(str(results())), "entry[0]: no valid JSON"),
    Entry("G66", "bad_escape", raw(json.dumps(results()).replace("score", "sc\\qore")), "entry[0]: no valid JSON"),
    Entry(
        "G66", "no_quote", raw(json.dumps(results()).replace('"image_id"', '"image_id', 1)), "entry[0]: no valid JSON"
    ),
    Entry(
        "G66", "latin_1", raw(json.dumps(results(entry(name="é")), ensure_ascii=False).encode("latin-1")), "not UTF-8"
    ),
    Entry(
        "G66", "latin_1_lines", raw('{"image_id": 1, "bbox": [1, 2, 3, 4], "x": "é"}'.encode("latin-1")), "not UTF-8"
    ),
    Entry("G66", "cut_in_a_character", raw(json.dumps(results()).encode() + b"\xe2\x82"), "not UTF-8"),
    Entry("G66", "utf_16", raw(json.dumps(results()).encode("utf-16")), "UTF-16"),
    Entry("G66", "utf_16_without_mark", raw(json.dumps(results()).encode("utf-16-le")), "no valid JSON"),
    Entry("G66", "deep", raw("[" * 100_000), "nested too deeply", apart=True),
    Entry(
        "G66",
        "deep_entry",
        raw('[{"image_id": 1, "x": ' + "[" * 100_000 + "]" * 100_000 + "}]"),
        "nested too deeply",
        apart=True,
    ),
    Entry(
        "G66",
        "deep_line",
        raw('{"image_id": 1, "x": ' + "[" * 100_000 + "]" * 100_000 + "}"),
        "nested too deeply",
        apart=True,
    ),
    Entry("G66", "compressed", raw(gzip.compress(json.dumps(results()).encode())), "gzip"),
    Entry("G66", "text", raw("image_id,x,y,w,h\n1,2,3,4,5\n"), "no kind of proposal file"),
    Entry("G66", "zero_bytes", raw(bytes(100)), "no kind of proposal file"),
    Entry("G66", "terabytes", claiming("(999999999999, 4)"), "its header claims 31,999,999,999,968 bytes"),
    Entry("G66", "more_than_there_is", claiming("(9, 4)"), "its header claims 288 bytes, the file holds 96"),
    Entry("G66", "bomb", bomb, "unpack to 2,147,483,648"),
    Entry("G66", "zip_of_something_else", lambda path: zipped(path, "data.pkl", b"x"), "without an array image_id"),
    Entry("G66", "zip_of_nothing", zipped, "without an array image_id"),
    Entry("G66", "no_header", members(bbox=b"nothing"), "bbox: is damaged"),
    Entry(
        "G66",
        "header_of_garbage",
        members(bbox=npy_bytes(np.ones((3, 4))).replace(b"'descr'", b"'d()cr'")),
        "bbox: is damaged",
    ),
    Entry("G66", "dataset", raw(json.dumps(good())), "is a COCO dataset"),
    Entry("G66", "dataset_over_lines", raw(json.dumps(good(), indent=1)), "is a COCO dataset"),
    Entry("G66", "single_array", raw(npy_bytes(np.ones((3, 4)))), "is a single array"),
]

ENTRIES = [*UNREADABLE, *PICKLES, *DAMAGED, *proposal_values.ENTRIES]
