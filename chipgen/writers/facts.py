"""What every format says about a chip besides its pixels and boxes, under the same names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chipgen.rows import ChipRow


def facts(row: ChipRow) -> dict[str, Any]:
    """Return where a chip comes from: kind, level, source, transform, content, valid range."""
    lo, hi = row.valid_range
    return {
        "kind": row.kind,
        "level": row.level,
        "source": vars(row.source),
        "transform": {
            "x0": row.origin_img[0],
            "y0": row.origin_img[1],
            "factor_x": row.factor[0],
            "factor_y": row.factor[1],
        },
        "content_width": row.content[0],
        "content_height": row.content[1],
        "valid_range": {"lo": lo, "hi": hi},
    }
