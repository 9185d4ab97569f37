"""What a brand brings to an ad, and what comes back: frozen values of arrays and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dco.compose.colour import Bytes, rgb
from dco.errors import BadInput, BadPicture

ROLES = ("ink", "paper", "accent", "on_accent")


@dataclass(frozen=True, eq=False)
class Kit:
    """A brand's pixels, colours and type.

    Attributes:
        product, logo: uint8[h, w, 4], straight alpha, at the best resolution there is.
        colors: '#rrggbb' by role. `ink` is the dark text colour, `paper` the light one, `accent` fills the button
            and `on_accent` is written on it.
        headline_font, body_font: TrueType or OpenType files.

    Raises:
        BadInput: a role is missing or not a colour.
        BadPicture: product or logo is no RGBA picture, or shows nothing.
    """

    name: str
    product: Bytes
    logo: Bytes
    colors: Mapping[str, str]
    headline_font: bytes = field(repr=False)
    body_font: bytes = field(repr=False)

    def __post_init__(self) -> None:
        for role in ROLES:
            if role not in self.colors:
                raise BadInput(
                    f"brand {self.name!r}: no colour for role {role!r} (needed: {', '.join(ROLES)})"
                )
            rgb(self.colors[role])
        for what, picture in (("product", self.product), ("logo", self.logo)):
            if picture.ndim != 3 or picture.shape[2] != 4 or picture.dtype != "uint8":
                found = f"{picture.dtype}{list(picture.shape)}"
                raise BadPicture(f"brand {self.name!r}, {what}: expected uint8[h, w, 4], got {found}")
            if not (picture[..., 3] > 8).any():
                raise BadPicture(f"brand {self.name!r}, {what}: every pixel is transparent")


@dataclass(frozen=True, slots=True)
class Box:
    """What stands where: pixels from the top left corner. Type boxes hold the ink, not the line height."""

    name: str
    x: int
    y: int
    w: int
    h: int
    kind: str
    """'type', 'button', 'logo' or 'product'."""
    font_px: float = 0.0
    color: str = ""
    """Colour of the type in this box; empty for pictures."""
    bold: bool = False

    @property
    def right(self) -> int:
        return self.x + self.w

    @property
    def bottom(self) -> int:
        return self.y + self.h


@dataclass(frozen=True, eq=False)
class Layer:
    """One painted thing: uint8[h, w, 4], straight alpha, with its top left corner at (x, y)."""

    name: str
    x: int
    y: int
    pixels: Bytes


@dataclass(frozen=True, eq=False)
class Ad:
    """A composed ad. `layers`, from the bottom up, add up to `raster`; the first one is opaque.

    `measures` are figures of what was made: product_max_abs_diff (bytes), contrast_<box> (ratio), <box>_px (type
    size), subhead_dropped, scrim_strength, product_scale, backdrop_scale.
    """

    size: str
    raster: Bytes
    boxes: tuple[Box, ...]
    measures: Mapping[str, float]
    layers: tuple[Layer, ...] = ()

    def box(self, name: str) -> Box | None:
        """The box of that name, or None where this ad has none."""
        return next((b for b in self.boxes if b.name == name), None)
