"""The bargain between scenes and layouts: where in a backdrop the product stands. Layouts aim there, cuts bring it there.

Scenes leave a clear piece of ground 0.42 +- 0.08 of the half width off the middle, on the side the copy does not
take. What they build to stand on, a podium or a plinth, they build 0.08 further out, in units of half the short side, with the
middle of its lid at 0.89 to 0.91 of the height. Between the two lies the place that serves both.
"""

from __future__ import annotations

from typing import Literal

Side = Literal["left", "right", "center"]

_OFF, _OUTWARD = 0.42, 0.07
GROUND = 0.918
"""How far down the product's foot stands, as part of the height: a little in front of the middle of a lid."""


def across(side: Side, width: float, height: float) -> float:
    """How far across the product's middle stands, as part of the width, with the copy on `side`.

    >>> round(across("left", 1080, 1080), 3), round(across("right", 1080, 1080), 3), across("center", 9, 9)
    (0.745, 0.255, 0.5)
    """
    off = 0.5 * (_OFF + _OUTWARD * min(width, height) / width)
    return 0.5 + {"left": off, "right": -off, "center": 0.0}[side]
