"""Proposals that cannot be used: counted, listed, or left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from chipgen.errors import REASONS
from chipgen.proposals.batch import Batch
from chipgen.scored import FAULTS, MOST_FAULTS, faults

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chipgen.boxes import Ints
    from chipgen.proposals.batch import Findings


@dataclass
class Faulty:
    """The faulty proposals of one file.

    Parameters
    ----------
    findings
        Where a file with too many of them is complained about.
    counts
        How many there were so far, by reason.
    """

    findings: Findings
    counts: Counter[str] = field(default_factory=Counter)

    def kept(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield all batches as they are, unless too much of them is faulty."""
        for batch in batches:
            self._count(batch)
            yield batch

    def listed(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield all batches as they are, note each faulty proposal as a problem, and raise them at the end."""
        for batch in batches:
            codes = self._count(batch)
            for row in np.flatnonzero(codes).tolist():
                reason = FAULTS[codes[row]]
                what = f"{REASONS['proposal'][reason]} ({reason})"
                self.findings.add(f"image {batch.image_id[row]}", what, "mend it, or go on with --on-error skip")
            yield batch
        self.findings.raise_any()

    def left_out(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield all batches without what is faulty in them."""
        for batch in batches:
            sound = self._count(batch) == 0
            if sound.all():
                yield batch
            else:
                score = None if batch.score is None else batch.score[sound]
                yield Batch(batch.image_id[sound], batch.box[sound], score)

    def _count(self, batch: Batch) -> Ints:
        """Return what is wrong with each proposal, a position in `FAULTS`, and count it.

        Raises
        ------
        DataError
            There are more than any file of proposals has.
        """
        codes = faults(batch.box, batch.score)
        numbers = np.bincount(codes, minlength=len(FAULTS)).tolist()
        self.counts.update({reason: n for reason, n in zip(FAULTS[1:], numbers[1:], strict=True) if n})
        if self.counts.total() > MOST_FAULTS:
            worst = REASONS["proposal"][self.counts.most_common(1)[0][0]]
            what = f"more than {MOST_FAULTS:,} of its proposals cannot be used (of most, {worst})"
            todo = "boxes are left, top, width, height in pixels: convert the file with chipgen proposals --box-format"
            raise self.findings.fatal("", what, todo)
        return codes
