"""What people call a creative: the few words that tell it from its siblings, and the start of its id."""

from __future__ import annotations

from collections.abc import Mapping

from dco.reports.words import idea

SHORT = 7
"""'dco' and four hex digits: enough to find an ad in a gallery of hundreds."""


def short(arm_id: str) -> str:
    """The start of an arm id, as `dco approve` takes it."""
    return arm_id[:SHORT]


def called(arm_id: str, genome: Mapping[str, str]) -> str:
    """For instance "dco1a2b (amber beach, 'gift')"."""
    inside = idea(genome)
    return f"{short(arm_id)} ({inside})" if inside else short(arm_id)
