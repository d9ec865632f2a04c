"""Nothing is dropped silently: ledger, plan, skipped things and sources add up to the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.dataset import IGNORED_BY
from chipgen.labels import STATES
from chipgen.ledger import STATUSES
from chipgen.verification.columns import take, unique_pairs
from chipgen.verification.laws import first_broken, not_rising
from chipgen.verification.plan import enclosed
from chipgen.writers.tables import PLAN, SKIPPED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chipgen.boxes import Bools, Ints
    from chipgen.verification.laws import Law
    from chipgen.verification.manifest import Manifest
    from chipgen.verification.skipped import SkippedLines
    from chipgen.verification.tables import LedgerTable, PlanTable, SourcesTable

    Found = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class Accounts:
    """The tables that must add up; each is None where it cannot be trusted, and what needs it is not checked."""

    manifest: Manifest
    plan: PlanTable | None
    ledger: LedgerTable | None
    skipped: SkippedLines | None
    sources: SourcesTable | None


def check_skipped(accounts: Accounts) -> Found:
    """Yield what the skipped things do not agree in with the manifest and the ledger."""
    skipped, ledger = accounts.skipped, accounts.ledger
    if skipped is None:
        return
    told = {reason: count for reason, count in accounts.manifest.counts.skipped.items() if count}
    if told != dict(skipped.counts):
        yield "", f"counts by reason are {dict(skipped.counts)}, the manifest says {told}"
    elif ledger is not None:
        image_of = dict(zip(ledger.annotation_id.tolist(), ledger.image_id.tolist(), strict=True))
        named = [(one, image) for one, (image, _) in skipped.annotations.items()] + skipped.masks
        for annotation_id, image_id in named:
            if image_of.get(annotation_id) != image_id:
                yield f"annotation {annotation_id} of image {image_id}", "is in no row of the ledger"


def check_sources(accounts: Accounts) -> Found:
    """Yield the images whose row is missing, too much, or contradicts the plan or the skipped things."""
    sources, skipped, plan = accounts.sources, accounts.skipped, accounts.plan
    if sources is None:
        return
    digest = np.array([sum_ is not None for sum_ in sources.checksum], dtype=np.bool_)
    sums = [sum_ is None or (len(sum_) == 64 and set(sum_) <= set("0123456789abcdef")) for sum_ in sources.checksum]
    both = [None not in pair for pair in zip(sources.sha256, sources.sampled, strict=True)]
    laws: list[Law] = [
        (not_rising(sources.image_id), "is not sorted by image id, or stands there twice"),
        (digest != (sources.bytes >= 0), "has a length without a checksum, or the reverse"),
        (~np.array(sums, dtype=np.bool_), "its sha256 is none"),
        (np.array(both, dtype=np.bool_), "has two checksums"),
    ]
    names = sources.file_name
    if skipped is not None:
        lost = {image_id: line.file_name or "" for image_id, line in skipped.images.items()}
        laws += _as_skipped(sources, digest, {one: _escaped(name) for one, name in lost.items()})
        yield from _absent(sorted(lost.keys() - set(sources.image_id.tolist())), f"{SKIPPED} names")
    if plan is not None:
        image_id, first = np.unique(plan.chips.image_id, return_index=True)
        laws.append((digest & ~np.isin(sources.image_id, image_id), f"no chip of {PLAN} is cut from it"))
        place = np.minimum(np.searchsorted(image_id, sources.image_id), max(0, len(image_id) - 1))
        planned = np.append(plan.chips.file_name[first], "")[place]
        laws.append(
            (digest & (names != planned), lambda row: f"is {names[row]!r:.300}, {PLAN} says {planned[row]!r:.300}")
        )
        yield from _absent(np.setdiff1d(image_id, sources.image_id[digest]).tolist(), f"{PLAN} has chips of")
    yield from ((f"image {sources.image_id[row]}", what) for row, what in first_broken(*laws))


def _as_skipped(sources: SourcesTable, digest: Bools, lost: Mapping[int, str]) -> Iterator[Law]:
    """Yield the laws of skipped images: they are those without a checksum, under the same name."""
    ids, names = sources.image_id.tolist(), sources.file_name.tolist()
    gone = np.array([one in lost for one in ids], dtype=np.bool_)
    yield digest & gone, f"has a checksum, but {SKIPPED} says that it was skipped"
    yield ~digest & ~gone, f"has no checksum, but {SKIPPED} does not name it"
    other = [one in lost and lost[one] != name for one, name in zip(ids, names, strict=True)]
    yield np.array(other, dtype=np.bool_), f"its file_name is not that in {SKIPPED}"


def _escaped(name: str) -> str:
    """Return a file name as Arrow holds it: half a character is escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def _absent(image_ids: list[int], why: str) -> Found:
    """Yield images that have no row."""
    yield from ((f"image {image_id}", f"has no row with a checksum, but {why} it") for image_id in image_ids)


def check_ledger(accounts: Accounts, *, against_plan: bool) -> Found:
    """Yield the rows of the ledger that are wrong, one thing each, then what is wrong with the whole.

    Parameters
    ----------
    accounts
        The tables.
    against_plan
        Whether to compare with the plan: not where shards contradict it.
    """
    ledger, counts = accounts.ledger, accounts.manifest.counts
    if ledger is None:
        return
    laws = [*_of_rows(accounts, ledger), *_of_skipped(accounts, ledger)]
    if against_plan and accounts.plan is not None:
        laws += _of_plan(accounts.plan, ledger)
    found = False
    for row, what in first_broken(*laws):
        found = True
        yield f"annotation {ledger.annotation_id[row]} of image {ledger.image_id[row]}", what
    if not found:
        statuses = np.bincount(ledger.status, minlength=len(STATUSES)).tolist()
        there = {name: count for name, count in zip(STATUSES, statuses, strict=True) if count}
        told = {name: count for name, count in counts.ledger.items() if count}
        if there != told:
            yield "", f"counts by status are {there}, the manifest says {told}"


def _is(ledger: LedgerTable, *names: str) -> Bools:
    """Tell which rows have one of some statuses."""
    return np.isin(ledger.status, [STATUSES.index(name) for name in names])


def _of_rows(accounts: Accounts, ledger: LedgerTable) -> Iterator[Law]:
    """Yield the laws of a row by itself and beside its neighbour."""
    order = np.lexsort((ledger.annotation_id, ledger.image_id))
    yield order != np.arange(len(ledger)), "is not sorted by image id and annotation id"
    values, counts = np.unique(ledger.annotation_id, return_counts=True)
    yield np.isin(ledger.annotation_id, values[counts > 1]), "its annotation id stands there twice"
    yield ledger.status < 0, "has an unknown status"
    yield (ledger.n_valid < 0) | (ledger.n_ignored < 0), "has a negative count"
    levels = accounts.manifest.configuration.levels
    odd = np.zeros(len(ledger), dtype=np.bool_)
    odd[ledger.row[(ledger.level < 0) | (ledger.level >= levels)]] = True
    odd[ledger.row[1:][(np.diff(ledger.row) == 0) & (np.diff(ledger.level) <= 0)]] = True
    yield odd, "its levels do not rise, or are none there are"
    learnt = np.zeros(len(ledger), dtype=np.bool_)
    learnt[ledger.row] = True
    yield learnt != (ledger.n_valid > 0), "has levels without a valid box, or the reverse"
    somewhere = _is(ledger, "covered", "uncovered")
    yield _is(ledger, "covered") & ~learnt, "is covered, but valid in no chip"
    yield (
        learnt & ~somewhere,
        lambda row: f"is {STATUSES[ledger.status[row]]}, but valid in {ledger.n_valid[row]} chips",
    )
    if accounts.manifest.configuration.covers:
        yield _is(ledger, "uncovered"), "is uncovered, which the sampler never leaves"
    yield _is(ledger, "invalid", "image_skipped") & (ledger.n_ignored > 0), "cannot be in a chip, but is counted there"
    needs = ~somewhere
    yield needs != (ledger.reason != ""), "has a reason without need, or none where it should"
    marks = np.isin(ledger.reason, np.array(IGNORED_BY[1:], dtype=np.object_))
    yield _is(ledger, "crowd") & ~marks, "its reason names no field that ignores"


def _of_skipped(accounts: Accounts, ledger: LedgerTable) -> Iterator[Law]:
    """Yield the laws that tie a row to the skipped things."""
    if accounts.skipped is None:
        return
    images, annotations = accounts.skipped.images, accounts.skipped.annotations
    reason_of = {one: reason for one, (_, reason) in annotations.items()}
    invalid = _is(ledger, "invalid")
    why = np.array([reason_of.get(one, "") for one in ledger.annotation_id.tolist()], dtype=np.object_)
    yield invalid & (why != ledger.reason), f"is invalid; {SKIPPED} does not say so, or for another reason"
    yield ~invalid & (why != ""), f"is not invalid, but {SKIPPED} says so"
    lost = {one: line.reason for one, line in images.items()}
    gone = np.array([lost.get(one, "") for one in ledger.image_id.tolist()], dtype=np.object_)
    of_lost = _is(ledger, "image_skipped")
    yield of_lost & (gone != ledger.reason), f"its image is skipped; {SKIPPED} does not say so, or for another reason"
    yield ~of_lost & ~invalid & (gone != ""), f"its image is not skipped here, but {SKIPPED} says so"


def _of_plan(plan: PlanTable, ledger: LedgerTable) -> Iterator[Law]:
    """Yield the laws that tie a row to the boxes of the plan; boxes of unknown annotations are told of elsewhere."""
    row, known = rows_of(plan.boxes.source_id, ledger.annotation_id)
    boxes, row, count = take(plan.boxes, known), row[known], len(ledger)

    def some(broken: Bools) -> Bools:
        return np.bincount(row[broken], minlength=count) > 0

    yield some(ledger.image_id[row] != plan.chips.image_id[boxes.chip]), f"{PLAN} shows it in another image"
    yield some(ledger.category_id[row] != boxes.category_id), f"{PLAN} gives it another category_id"
    crowd = boxes.reason == STATES.index("crowd")
    yield some(_is(ledger, "crowd")[row] != crowd), f"is crowd in {PLAN} or here, but not in both"
    for name, shown in (("n_valid", boxes.valid), ("n_ignored", ~boxes.valid)):
        told, found = getattr(ledger, name), np.bincount(row[shown], minlength=count)

        def what(at: int, name: str = name, told: Ints = told, found: Ints = found) -> str:
            return f"{name} is {told[at]}, {PLAN} shows {found[at]} chips"

        yield told != found, what
    levels = int(plan.chips.level.max(initial=0)) + 2  # the last stands for all that no chip has
    here = np.bincount(ledger.row * levels + np.clip(ledger.level, 0, levels - 1), minlength=count * levels) > 0
    cell = row * levels + plan.chips.level[boxes.chip]
    there = np.bincount(cell[boxes.valid], minlength=count * levels) > 0
    yield (here != there).reshape(count, levels).any(axis=1), f"levels are not those where {PLAN} shows it as valid"
    held = enclosed(plan)[known]
    yield _is(ledger, "covered") & ~some(held), f"is covered, but no positive chip of {PLAN} encloses it"
    surely = held & (boxes.visibility >= 1)
    yield ~_is(ledger, "covered") & some(surely), f"is not covered, but a positive chip of {PLAN} encloses it"


def rows_of(ids: Ints, known_ids: Ints) -> tuple[Ints, Bools]:
    """Return the position of each id among others, which need not be sorted, and which ids are there at all."""
    if not len(known_ids):
        return np.zeros(len(ids), dtype=np.int64), np.zeros(len(ids), dtype=np.bool_)
    order = np.argsort(known_ids)
    place = order[np.minimum(np.searchsorted(known_ids, ids, sorter=order), len(order) - 1)]
    return place, np.asarray(known_ids[place] == ids)


def check_shown(accounts: Accounts) -> Found:
    """Yield the chips of the plan with boxes of annotations that the ledger does not know."""
    plan, ledger = accounts.plan, accounts.ledger
    if plan is None or ledger is None:
        return
    _, known = rows_of(plan.boxes.source_id, ledger.annotation_id)
    chips, first = np.unique(plan.boxes.chip[~known], return_index=True)
    for chip, source_id in zip(chips.tolist(), plan.boxes.source_id[~known][first].tolist(), strict=True):
        yield f"chip {plan.chips.id[chip]}", f"shows annotation {source_id}, of which the ledger knows nothing"


def check_counts(accounts: Accounts) -> Found:
    """Yield figures of the manifest that the plan and the sources contradict."""
    plan, counts = accounts.plan, accounts.manifest.counts
    if accounts.sources is not None and len(accounts.sources) > counts.images:
        yield "counts.images", f"is {counts.images}, chips were to be cut from {len(accounts.sources)}"
    if plan is None or accounts.skipped is None:
        return
    whole, inside = not accounts.skipped.images, enclosed(plan)
    covers = accounts.manifest.configuration.covers
    pairs = unique_pairs(plan.boxes.source_id[inside], plan.chips.level[plan.boxes.chip[inside]])
    figures = (
        ("counts.valid_pairs", counts.valid_pairs, len(pairs), whole and covers),
        ("counts.negatives.chips", counts.negatives.chips, int(np.count_nonzero(plan.chips.kind == 1)), whole),
    )
    for where, told, found, exact in figures:
        if found > told or (exact and found != told):
            yield where, f"is {told}, {PLAN} shows {found}"
