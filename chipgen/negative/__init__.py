"""Negative chips: background in which a detector sees objects.

At each level the proposals in its valid range are taken, less those that show an object and those that a positive
chip of the level already shows. What is left is covered like objects are (see `chipgen.cover`): on the same candidates,
the window that encloses most of those not enclosed so far, again and again. A window is worth a chip when it encloses
enough of them.

No window may stand where an object to learn would show enough to be valid, nor where ignored objects would take up more
than a share of it; what else of them shows is written as ignored, as in positive chips.

Source: SNIPER, section 3.3 (negative chip selection). Deliberate differences: proposals that show an object are no
background, so they do not count; no chip holds an object to learn; ignored objects do not fill a chip.
"""

from __future__ import annotations

from chipgen.negative.finding import Ground, Minimum, mine

__all__ = ["Ground", "Minimum", "mine"]
