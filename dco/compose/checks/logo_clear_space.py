"""The logo has air around it."""

from __future__ import annotations

from dco.compose.finding import Finding
from dco.compose.kit import Ad, Box, Kit
from dco.compose.sizes import AdSize

SOURCE = "house rule, after common brand manuals: a quarter of the logo's shorter side stays free"
PART = 0.25


def check(ad: Ad, kit: Kit, size: AdSize) -> list[Finding]:
    """No box comes nearer to the logo than a quarter of its shorter side."""
    logo = ad.box("logo")
    if logo is None:
        return [Finding("logo_clear_space", "logo", 0.0, 1.0, SOURCE, f"{size.key}: the ad shows no logo")]
    limit = PART * min(logo.w, logo.h)
    findings = []
    for box in ad.boxes:
        gap = _gap(logo, box)
        if box.name != "logo" and gap < limit:
            text = f"{size.key}, {box.name}: {gap:.0f} px from the logo; {limit:.1f} px must stay free"
            findings.append(Finding("logo_clear_space", box.name, gap, limit, SOURCE, text))
    return findings


def _gap(a: Box, b: Box) -> float:
    """Pixels between two boxes along the axis on which they are farther apart; negative where they overlap."""
    return float(max(a.x - b.right, b.x - a.right, a.y - b.bottom, b.y - a.bottom))
