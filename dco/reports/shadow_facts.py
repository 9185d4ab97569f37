"""All that a shadow page, its table in a terminal and its JSON are made from, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from dco.plan.shadow import ShadowNight
from dco.plan.shadow_moves import Move
from dco.plan.shadow_value import Valued, Worth
from dco.records import Kpi, Licence


@dataclass(frozen=True)
class ShadowReport:
    """A replay of a past, with what it would have been worth."""

    campaign: str
    brand: str
    kpi: Kpi
    as_of: datetime
    sources: tuple[str, ...]
    """Report files, or nothing for the campaign's own ledger."""
    first_day: date
    last_day: date
    nights: tuple[ShadowNight, ...]
    worth: Worth
    moves: tuple[Move, ...]
    labels: Mapping[str, str]
    """Arm id -> what people call the ad."""
    currency: str
    window_days: int
    levers: Mapping[str, str]
    """Placement -> lever."""
    notes: tuple[str, ...] = ()
    simulated: str | None = None

    @property
    def valued(self) -> Valued | None:
        """The value that the data support best; None where nothing was decided."""
        return next(iter(self.worth.valued), None)

    @property
    def licence(self) -> Licence | None:
        return self.valued.licence if self.valued else None

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(row.segment for row in sorted(self.worth.arm_days, key=lambda r: r.segment))
        )

    @property
    def proposals(self) -> int:
        return sum(len(night.proposals) for night in self.nights)

    @property
    def proposing_nights(self) -> int:
        return sum(bool(night.proposals) for night in self.nights)

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values; JSON can write it with dates as text."""
        return {
            "campaign": self.campaign,
            "kpi": self.kpi,
            "as_of": self.as_of,
            "sources": list(self.sources),
            "first_day": self.first_day,
            "last_day": self.last_day,
            "simulated": self.simulated,
            "measure": self.worth.measure,
            "settled_until": self.worth.settled_until,
            "left_out_days": self.worth.left_out_days,
            "levers": dict(self.levers),
            "valued": [_valued(v) for v in self.worth.valued],
            "moves": [asdict(m) | {"ad": self.labels.get(m.arm_id, m.arm_id)} for m in self.moves],
            "nights": [_night(n) for n in self.nights],
            "notes": list(self.notes),
        }


def _valued(v: Valued) -> dict[str, Any]:
    found = asdict(v) | {"value": None}
    if v.value is None:
        return found
    doubtful = bool(v.value.doubt)
    value = asdict(v.value) | {
        "days": [date.fromordinal(d) for d in v.value.days],
        "checks": {k: None if doubtful else c._asdict() for k, c in v.value.checks.items()},
    }
    if doubtful:  # a program must not take for an estimate what nobody may read as one
        hidden = (
            "gain",
            "low",
            "high",
            "would",
            "cumulated",
            "cumulated_low",
            "cumulated_high",
            "flip",
            "flip_sure",
        )
        value |= dict.fromkeys(hidden)
    return found | {"value": value}


def _night(night: ShadowNight) -> dict[str, Any]:
    return {
        "day": night.day,
        "shares": [
            {"segment": s, "arm_id": a, **belief._asdict()} for (s, a), belief in night.shares.items()
        ],
        "retired": [{"segment": s, "arm_id": a, "why": why} for (s, a), why in night.retired.items()],
        "proposals": [dict(p) for p in night.proposals],
        "why": list(night.why),
    }
