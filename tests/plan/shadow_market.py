"""Simulated histories with a known truth for shadow mode: fixed or moving shares, reports read the next morning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dco.plan.shadow import ShadowNight
from dco.records import Space
from dco.simulate.loop import FIRST_DAY, Choice, Night, run
from dco.simulate.market import BaseMarket
from dco.simulate.markets.additive import Market

SPACE = Space({"scene": ("beach", "foliage", "studio podium"), "headline": ("price", "proof")})
Split = Callable[[Night, np.random.Generator], Sequence[float]]


@dataclass(frozen=True)
class Past:
    """A simulated past: what reports said, and what the market was."""

    history: pa.Table
    market: BaseMarket
    arms: Mapping[tuple[str, str], Mapping[str, object]]

    def truth(self, key: tuple[str, str], day: date) -> float:
        """The true CTR of an arm on a day."""
        t, arm = (day - FIRST_DAY).days, self.arms[key]
        return self.market.rate(key[0], arm["attributes"], t, t, int(arm["take"])).ctr


def random_split(night: Night, rng: np.random.Generator) -> Sequence[float]:
    """Shares that have nothing to do with what the ads earn."""
    return rng.dirichlet(np.full(len(night.live), 8.0))


def past(
    seed: int,
    *,
    nights: int = 8,
    arms: int = 4,
    size: int = 8000,
    split: Split = random_split,
    lever: str | None = "rotation",
    **market: object,
) -> Past:
    """One segment's past on a simulated market; every row is read on the morning after its day or later."""
    truth = Market(seed, SPACE, segments=("all",), daily_impressions=(size,), wear=0.0, **market)
    rng, kept = np.random.default_rng([seed, 1]), []

    def decide(night: Night) -> Choice:
        kept.append(night)
        shares = zip(night.live, split(night, rng), strict=True)
        return Choice([{"segment": a["segment"], "arm_id": a["arm_id"], "share": s} for a, s in shares])

    run(truth, decide, nights, np.random.default_rng([seed, 2]), start_per_segment=arms)
    table = kept[-1].history
    columns = {
        "as_of": pc.add(pc.cast(table["as_of"], pa.int32()), pa.scalar(1, pa.int32())).cast(pa.date32()),
        "placement": pa.array(["site"] * len(table)),
        "lever": pa.array([lever] * len(table), pa.string()),
    }
    for name, values in columns.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), values)
    return Past(table, truth, {(str(a["segment"]), str(a["arm_id"])): a for a in kept[-1].live})


def true_gain(of: Past, nights: Sequence[ShadowNight], arm_days: Sequence[object]) -> float:
    """What the engine's shares would have earned over what was earned, by the market's own rates."""
    engine = served = 0.0
    total: dict[date, int] = {}
    for row in arm_days:
        total[row.day] = total.get(row.day, 0) + row.impressions
    for row in arm_days:
        rate = of.truth((row.segment, row.arm_id), row.day)
        engine += total[row.day] * row.engine * rate
        served += total[row.day] * row.served * rate
    return engine / served - 1
