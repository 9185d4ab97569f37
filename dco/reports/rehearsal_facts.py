"""What a rehearsal found, as values. All of it is simulated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dco.simulate.rehearsal import NULL, Floats, Scenario
from dco.simulate.rehearsal_summary import Change, Summary, proved_from


@dataclass(frozen=True, slots=True)
class Basis:
    """One figure that the rehearsal rests on, and where it comes from."""

    name: str
    value: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario. `together` are all markets where ads differ, `cautious` the one that is planned with."""

    scenario: Scenario
    label: str
    together: Summary
    cautious: Summary
    change: Change | None
    creatives: float
    """Made in all, the starting ones too."""
    cost: float
    """Of all of them, in currency units."""
    media: float
    """Money for media over the nights."""
    smallest_shown: Floats | None
    """float[night]: the smallest gain that the holdout would show after so many nights; None without a holdout."""

    @property
    def proved_from(self) -> int | None:
        """The night from which the cautious market's gain would show in a report."""
        return proved_from(self.cautious, self.smallest_shown)

    @property
    def least(self) -> float | None:
        """`smallest_shown` at the end; None where nothing would ever show."""
        known = self.smallest_shown is not None and math.isfinite(self.smallest_shown[-1])
        return float(self.smallest_shown[-1]) if known and self.smallest_shown is not None else None


@dataclass(frozen=True, slots=True)
class Outlook:
    """Everything a rehearsal found. `rows[0]` is the campaign as planned; `markets` are its summaries by market."""

    campaign: str
    brand: str
    brief: str
    currency: str
    kpi: str
    seed: int
    holdout: float
    flight: int
    daily: float
    events: float
    """Clicks or conversions a day at the planned budget, all segments together."""
    segments: int
    approval_nights: int
    creation_note: str
    basis: tuple[Basis, ...]
    markets: Mapping[str, tuple[str, Summary]]
    """Name -> (words, summary), of the campaign as planned."""
    cautious: str
    rows: tuple[Row, ...]
    left_out: tuple[str, ...] = ()
    """Scenarios that were not simulated, and why."""

    @property
    def plan(self) -> Row:
        return self.rows[0]

    @property
    def nights(self) -> int:
        return self.plan.scenario.nights

    @property
    def unit(self) -> str:
        return "clicks" if self.kpi == "ctr" else "conversions"

    @property
    def differing(self) -> list[str]:
        """Markets with something to find."""
        return [m for m in self.markets if m != NULL] or list(self.markets)
