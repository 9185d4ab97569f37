"""What a check found wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule an ad breaks: which check, in which box, what was measured, what the limit is and where that comes from."""

    check: str
    box: str
    value: float
    limit: float
    source: str
    message: str
