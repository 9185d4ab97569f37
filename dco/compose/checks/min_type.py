"""No type is too small to be read."""

from __future__ import annotations

from dco.compose.finding import Finding
from dco.compose.kit import Ad, Kit
from dco.compose.sizes import AdSize


def check(ad: Ad, kit: Kit, size: AdSize) -> list[Finding]:
    """Every type box is set at the size's smallest type or larger."""
    limit = float(size.min_font_px)
    return [
        Finding(
            "min_type",
            box.name,
            box.font_px,
            limit,
            size.sources["min_font_px"],
            f"{size.key}, {box.name}: set at {box.font_px:g} px; the smallest allowed is {limit:g} px",
        )
        for box in ad.boxes
        if box.kind == "type" and box.font_px < limit
    ]
