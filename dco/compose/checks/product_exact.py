"""The product shown is the product photographed."""

from __future__ import annotations

from dco.compose.finding import Finding
from dco.compose.kit import Ad, Kit
from dco.compose.product import max_abs_diff, resample, trim
from dco.compose.sizes import AdSize

SOURCE = "the engine's promise: product pixels equal the source photo"


def check(ad: Ad, kit: Kit, size: AdSize) -> list[Finding]:
    """The brand's photo, resampled anew to the product's box, equals the ad's pixels inside its eroded alpha."""
    box = ad.box("product")
    if box is None:
        return [
            Finding("product_exact", "product", 255.0, 0.0, SOURCE, f"{size.key}: the ad shows no product")
        ]
    value = float(max_abs_diff(ad.raster, resample(trim(kit.product), box.w, box.h), box.x, box.y))
    if value == 0:
        return []
    text = f"{size.key}, product: pixels differ from the source photo by up to {value:g} of 255; none may"
    return [Finding("product_exact", "product", value, 0.0, SOURCE, text)]
