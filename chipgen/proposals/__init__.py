"""Proposals: scored boxes from any detector, in the forms people keep them in, and the one form chipgen works from.

::

    COCO results, JSON lines, Parquet, NPZ, pickles -batches-> sorted by image -> Parquet -ProposalFile-> planning

No reader holds all of a file, save those of pickles, which are made that way.
"""

from __future__ import annotations

from chipgen.proposals.convert import Conversion, ConversionOptions, convert_proposals
from chipgen.proposals.source import ProposalFile, read_proposals

__all__ = ["Conversion", "ConversionOptions", "ProposalFile", "convert_proposals", "read_proposals"]
