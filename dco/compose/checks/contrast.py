"""Type stands out from the pixels under it."""

from __future__ import annotations

from dco.compose.colour import Bytes, worst_contrast
from dco.compose.finding import Finding
from dco.compose.kit import Ad, Box, Kit
from dco.compose.product import blend
from dco.compose.sizes import AdSize

SOURCE = "WCAG 2.2, success criterion 1.4.3"
LARGE_BOLD_PX = 24.0


def check(ad: Ad, kit: Kit, size: AdSize) -> list[Finding]:
    """At least 4.5, or 3.0 for bold type of 24 px and more, against the real pixels painted before the type."""
    findings = []
    for box in ad.boxes:
        if box.kind != "type":
            continue
        limit = 3.0 if box.bold and box.font_px >= LARGE_BOLD_PX else 4.5
        under = _under(ad, box)
        value = worst_contrast(under[box.y : box.bottom, box.x : box.right], box.color)
        if value < limit:
            text = f"{size.key}, {box.name}: contrast {value:.2f} on its backdrop; at least {limit} is needed"
            findings.append(Finding("contrast", box.name, value, limit, SOURCE, text))
    return findings


def _under(ad: Ad, box: Box) -> Bytes:
    """The ad as it was before this box's layer was painted."""
    ground = ad.layers[0].pixels[..., :3].copy()
    for layer in ad.layers[1:]:
        if layer.name == box.name:
            break
        if layer.x < box.right and layer.y < box.bottom and layer.name != "border":
            blend(ground, layer.pixels, layer.x, layer.y, linear=layer.name == "product")
    return ground
