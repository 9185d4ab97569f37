"""What a layout is made of: rectangles, what must fit into them, and how. Pixels of the ad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from dco.compose.typeset import Align


class Rect(NamedTuple):
    """x, y of the top left corner; w, h. Pixels."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    def mirrored(self, width: float) -> Rect:
        """The same rectangle in a looking glass as wide as the ad."""
        return Rect(width - self.x - self.w, self.y, self.w, self.h)


@dataclass(frozen=True)
class Plan:
    """A layout of one size.

    Attributes:
        copy: room for headline and subhead, and for the button where `button` is None.
        product, logo: room for them; they keep their aspect inside.
        button: room of a button that stands apart from the copy; `stretch` lets it fill that room.
        align: how copy is set; `anchor` where the group stands in its room, 0 at the top, 1 at the foot.
        logo_align: where in its room the logo stands; `button_align` likewise.
        shade: the part of the ad that a scrim darkens or lightens when contrast needs it, and the edges ("l", "r",
            "t", "b") it runs out to.
        feather: pixels over which the scrim fades.
        most_lines: lines of headline and of subhead; `calm` is how much fewer, whole lines count against larger type.
    """

    copy: Rect
    product: Rect
    logo: Rect
    shade: Rect
    edges: str
    feather: float
    align: Align
    anchor: float = 0.44
    button: Rect | None = None
    button_align: Align = "left"
    stretch: bool = False
    logo_align: Align = "left"
    most_lines: tuple[int, int] = (4, 3)
    calm: float = 1.0


@dataclass(frozen=True)
class Shapes:
    """What a layout must know of what goes into it.

    Attributes:
        product, logo: width over height.
        button_em: width of the button's words, in em.
        stands: whether the product stands on the ground.
    """

    product: float
    logo: float
    button_em: float
    stands: bool = True


BUTTON_PAD_EM = 1.15
"""Air left and right of a button's words."""
TIGHT_PAD_EM = 0.55
"""The least air left and right of a button's words; a narrow room spends air before type becomes too small."""
BUTTON_TALL_EM = 2.55
"""A button's height."""
