"""Everything an ad must satisfy, asked in one go: all parts of the family `checks`."""

from __future__ import annotations

from dco import registry
from dco.compose.finding import Finding
from dco.compose.kit import Ad, Kit
from dco.compose.sizes import ad_size


def review(ad: Ad, kit: Kit) -> tuple[Finding, ...]:
    """Findings of every check, in order of the checks' names; empty where the ad is in order."""
    size = ad_size(ad.size)
    return tuple(f for name in registry.names("checks") for f in registry.load("checks", name)(ad, kit, size))
