"""Nothing that matters is cut off or covered by the page or app around the ad."""

from __future__ import annotations

from dco.compose.finding import Finding
from dco.compose.kit import Ad, Kit
from dco.compose.sizes import AdSize


def check(ad: Ad, kit: Kit, size: AdSize) -> list[Finding]:
    """Type, button, logo and product lie inside the safe area. The value is how far, in pixels, a box reaches out of it."""
    safe = size.safe_px
    findings = []
    for box in ad.boxes:
        out = max(
            safe.left - box.x,
            safe.top - box.y,
            box.right - (size.width - safe.right),
            box.bottom - (size.height - safe.bottom),
        )
        if out > 0:
            text = f"{size.key}, {box.name}: reaches {out} px out of the safe area"
            findings.append(Finding("safe_area", box.name, float(out), 0.0, size.sources["safe_px"], text))
    return findings
