"""Nothing covers anything else, and nothing is cut off."""

from __future__ import annotations

from itertools import combinations

from dco.compose.finding import Finding
from dco.compose.kit import Ad, Box, Kit
from dco.compose.sizes import AdSize

SOURCE = "house rule: every box is whole and apart"


def check(ad: Ad, kit: Kit, size: AdSize) -> list[Finding]:
    """No two boxes share a pixel, save a button and its own words; no box leaves the ad. The value is in square pixels."""
    findings = []
    for a, b in combinations(ad.boxes, 2):
        if {a.name, b.name} != {"button", "cta"} and (area := _shared(a, b)):
            text = f"{size.key}, {a.name}: shares {area} square pixels with {b.name}"
            findings.append(Finding("overlap", a.name, float(area), 0.0, SOURCE, text))
    frame = Box("frame", 0, 0, size.width, size.height, "frame")
    pill = ad.box("button")
    for box in ad.boxes:
        holder = pill if box.name == "cta" and pill else frame
        if lost := box.w * box.h - _shared(box, holder):
            text = f"{size.key}, {box.name}: {lost} square pixels lie outside its {holder.name}"
            findings.append(Finding("overlap", box.name, float(lost), 0.0, SOURCE, text))
    return findings


def _shared(a: Box, b: Box) -> int:
    wide = min(a.right, b.right) - max(a.x, b.x)
    tall = min(a.bottom, b.bottom) - max(a.y, b.y)
    return max(0, wide) * max(0, tall)
