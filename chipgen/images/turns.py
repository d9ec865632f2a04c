"""Pictures that lie on their side: what is asked for upright is found where it is stored, and nothing is copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from PIL import Image

if TYPE_CHECKING:
    import numpy.typing as npt

Number = TypeVar("Number", int, float)
Edges = tuple[Number, Number, Number, Number]
"""Left, top, right and bottom of a box, px."""


@dataclass(frozen=True)
class Turn:
    """How stored pixels become the picture: axes are swapped first, then mirrored.

    Parameters
    ----------
    swap
        Whether rows become columns.
    mirror_x, mirror_y
        Whether left and right, top and bottom change places.
    method
        The same as Pillow says it; None where nothing changes.
    """

    swap: bool = False
    mirror_x: bool = False
    mirror_y: bool = False
    method: Image.Transpose | None = None

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return width and height in the other frame."""
        return (size[1], size[0]) if self.swap else size

    def back(self, box: Edges[Number], size: tuple[int, int]) -> Edges[Number]:
        """Return where a box of the picture is stored; `size` is that of the picture."""
        left, top, right, bottom = self._mirrored(box, size)
        return (top, left, bottom, right) if self.swap else (left, top, right, bottom)

    def forth(self, box: Edges[Number], size: tuple[int, int]) -> Edges[Number]:
        """Return where a stored box lies in the picture, which has the size `size`."""
        left, top, right, bottom = box
        return self._mirrored((top, left, bottom, right) if self.swap else box, size)

    def _mirrored(self, box: Edges[Number], size: tuple[int, int]) -> Edges[Number]:
        """Return a box of the picture mirrored."""
        left, top, right, bottom = box
        if self.mirror_x:
            left, right = size[0] - right, size[0] - left
        if self.mirror_y:
            top, bottom = size[1] - bottom, size[1] - top
        return left, top, right, bottom

    def array(self, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return stored pixels, shape ``(H, W, ...)``, as they are in the picture: a view."""
        turned = stored.swapaxes(0, 1) if self.swap else stored
        turned = turned[:, ::-1] if self.mirror_x else turned
        return turned[::-1] if self.mirror_y else turned


AS_IT_IS = Turn()
TURNS = {
    None: AS_IT_IS,
    Image.Transpose.FLIP_LEFT_RIGHT: Turn(mirror_x=True, method=Image.Transpose.FLIP_LEFT_RIGHT),
    Image.Transpose.FLIP_TOP_BOTTOM: Turn(mirror_y=True, method=Image.Transpose.FLIP_TOP_BOTTOM),
    Image.Transpose.ROTATE_180: Turn(mirror_x=True, mirror_y=True, method=Image.Transpose.ROTATE_180),
    Image.Transpose.TRANSPOSE: Turn(swap=True, method=Image.Transpose.TRANSPOSE),
    Image.Transpose.ROTATE_270: Turn(swap=True, mirror_x=True, method=Image.Transpose.ROTATE_270),
    Image.Transpose.ROTATE_90: Turn(swap=True, mirror_y=True, method=Image.Transpose.ROTATE_90),
    Image.Transpose.TRANSVERSE: Turn(swap=True, mirror_x=True, mirror_y=True, method=Image.Transpose.TRANSVERSE),
}
"""Pillow's ways to turn; its angles go against the clock."""
