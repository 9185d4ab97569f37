"""The sizes an ad can have, what each demands, and which backdrop serves it. A new size is one entry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from dco.errors import UnknownName

Family = Literal["square", "wide", "banner", "tower", "portrait"]


class Insets(NamedTuple):
    """Pixels along each edge of an ad that must hold no copy, logo or product."""

    top: int
    right: int
    bottom: int
    left: int


@dataclass(frozen=True, slots=True)
class AdSize:
    """One size of an ad and its limits. `sources` says where each limit comes from."""

    key: str
    width: int
    height: int
    max_bytes: int
    min_font_px: int
    """Smallest type of any kind, in pixels of the ad."""
    min_headline_px: int
    max_headline_px: int
    safe_px: Insets
    family: Family
    subhead_optional: bool
    """Whether a subhead that cannot be set at the smallest type may be left out. Headline and button never may."""
    sources: dict[str, str] = field(default_factory=dict)


IAB = "IAB New Ad Portfolio 2017, initial load"
NETWORK = "150 kB, the flat limit most networks and buyers ask for; stricter than IAB's for this size"
GOOGLE = "Google Performance Max, 5120 KB per image; ours is 300 kB so that feeds stay quick"
META = "Meta allows 30 MB; ours is 300 kB so that feeds stay quick"
HOUSE = "house rule: legible at arm's length on the device this size is seen on"
KB = 1000


def _size(
    key: str,
    kilobytes: int,
    family: Family,
    type_px: tuple[int, int, int],
    safe: int | Insets,
    weight_source: str,
    safe_source: str = "house rule: even margins",
) -> AdSize:
    width, height = (int(part) for part in key.split("x"))
    insets = safe if isinstance(safe, Insets) else Insets(safe, safe, safe, safe)
    sources = {"max_bytes": weight_source, "min_font_px": HOUSE, "safe_px": safe_source}
    small = min(width, height) < 600
    return AdSize(key, width, height, kilobytes * KB, *type_px, insets, family, small, sources)


SIZES: dict[str, AdSize] = {
    size.key: size
    for size in (
        _size("300x250", 150, "square", (11, 17, 30), 12, IAB),
        _size("336x280", 150, "square", (11, 18, 33), 14, NETWORK),
        _size("1080x1080", 300, "square", (26, 48, 96), 54, META),
        _size("1200x628", 300, "wide", (24, 40, 88), 48, GOOGLE),
        _size("970x250", 150, "wide", (13, 24, 50), 20, NETWORK),
        _size("728x90", 150, "banner", (11, 15, 34), 8, IAB),
        _size("320x50", 50, "banner", (10, 11, 19), 4, IAB),
        _size("160x600", 150, "tower", (11, 15, 30), 12, IAB),
        _size("300x600", 150, "tower", (13, 22, 44), 18, NETWORK),
        _size("1080x1350", 300, "portrait", (26, 52, 108), 60, META),
        _size(
            "1080x1920",
            300,
            "portrait",
            (30, 56, 128),
            Insets(250, 65, 340, 65),
            IAB,
            "Meta Stories: top 14 % and bottom 20 % belong to the app's own controls",
        ),
    )
}


def ad_size(key: str) -> AdSize:
    """The size of that name.

    Raises:
        UnknownName: there is no such size; the message lists those there are.
    """
    if key not in SIZES:
        raise UnknownName("ad size", key, SIZES)
    return SIZES[key]


# A backdrop is painted once per shape and cut to the sizes of that shape. Sides are multiples of 8, as every
# latent diffusion model wants them, and never smaller than the sizes cut from them.
_SQUARE = ((600, 504), (1080, 1080))
_WIDE = ((1200, 632),)
_TALL = ((480, 960), (1080, 1352), (1080, 1920))


def masters(sizes: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Which backdrop (width, height in pixels) each size is cut from: few pictures, none enlarged.

    Sizes of one shape share the smallest master that serves the largest of them: 300x250 alone asks for 600x504, and beside
    1080x1080 it is cut from that one's backdrop.

    >>> masters(["300x250", "1080x1080", "728x90", "160x600"])
    {'300x250': (1080, 1080), '1080x1080': (1080, 1080), '728x90': (1200, 632), '160x600': (480, 960)}
    """
    wanted = [ad_size(key) for key in sizes]
    ladders = {"square": _SQUARE, "wide": _WIDE, "banner": _WIDE, "tower": _TALL, "portrait": _TALL}
    need: dict[tuple[tuple[int, int], ...], tuple[int, int]] = {}
    for size in wanted:
        ladder = ladders[size.family]
        width, height = need.get(ladder, (0, 0))
        need[ladder] = max(width, size.width), max(height, size.height)
    chosen = {
        ladder: next((w, h) for w, h in ladder if w >= width and h >= height)
        for ladder, (width, height) in need.items()
    }
    return {size.key: chosen[ladders[size.family]] for size in wanted}
