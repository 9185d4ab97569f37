"""A simulated world around a real campaign: it serves what was published and answers with platform files. Labelled as such.

The market knows the truth, so what a split really earns can be told exactly; the engine sees only the files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from dco import registry
from dco.jobs.desk import Desk
from dco.platforms.names import ad_name
from dco.records import Campaign, Creative
from dco.simulate.baselines import ab_then_commit
from dco.simulate.loop import FIRST_DAY, Night, Result, equal_shares, run
from dco.simulate.market import BaseMarket, Served
from dco.simulate.reports import Outlet, report_rows
from dco.store import versions
from dco.store.arms import arms

LABEL = "additive market"
REPORTED_DAYS = 14
"""Days a nightly export covers: young days come back restated with their late conversions."""


def day_of(t: int) -> date:
    """Calendar day of the simulation's day number."""
    return FIRST_DAY + timedelta(days=t)


def morning(t: int, zone: str) -> datetime:
    """03:00 of a simulated day in the campaign's zone, as UTC: when its night is run."""
    return datetime.combine(day_of(t), time(3), ZoneInfo(zone)).astimezone(UTC)


@dataclass
class World:
    """One seeded market that answers for one campaign."""

    market: BaseMarket
    rng: np.random.Generator
    served: list[Served] = field(default_factory=list)
    born: dict[str, int] = field(default_factory=dict)
    engine: list[float] = field(default_factory=list)
    equal: list[float] = field(default_factory=list)
    oracle: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, campaign: Campaign, seed: int) -> World:
        maker = registry.load("markets", "additive")
        names = tuple(s.key for s in campaign.segments)
        traffic = tuple([40_000, 30_000, 20_000, 15_000][i % 4] for i in range(len(names)))
        market = maker(seed=seed, space=campaign.space, segments=names, daily_impressions=traffic)
        return cls(market, np.random.default_rng([seed, 9]))

    def live_through(self, desk: Desk, t: int) -> None:
        """Day `t`: traffic falls on the creatives of the version that is live, by its shares."""
        rows, shares = _live(desk)
        for row in rows:
            if shares.get((row["segment"], row["arm_id"]), 0.0) > 0:
                self.born.setdefault(row["arm_id"], t)
        self.served += self.market.serve(t, rows, shares, self.born, self.rng)
        start = [r for r in rows if r["control"]]
        self.engine.append(self._value(rows, shares, t))
        self.equal.append(self._value(start, equal_shares(start), t, fresh=True))
        kpi = desk.campaign.plan.kpi
        traffic = dict(zip(self.market.segments, self.market.daily_impressions, strict=True))
        self.oracle.append(sum(self.market.oracle(s, t, kpi) * n for s, n in traffic.items()))

    def _value(
        self,
        rows: Sequence[Mapping[str, Any]],
        shares: Mapping[tuple[str, str], float],
        t: int,
        *,
        fresh: bool = False,
    ) -> float:
        """Expected value of a day under a split; `fresh` takes every creative as served from day 0."""
        traffic = dict(zip(self.market.segments, self.market.daily_impressions, strict=True))
        total = 0.0
        for row in rows:
            share = shares.get((row["segment"], row["arm_id"]), 0.0)
            if share > 0:
                since = 0 if fresh else self.born.get(row["arm_id"], t)
                rate = self.market.rate(row["segment"], row["attributes"], t, t - since)
                total += share * traffic[row["segment"]] * self.market.value(rate, "ctr")
        return total

    def report(self, desk: Desk, t: int) -> list[str]:
        """The morning of day `t`: each platform's export of the last days, as known by then, lands in the inbox."""
        outlets = _outlets(desk.campaign)
        written = []
        recent = [row for row in self.served if t - REPORTED_DAYS <= row.day < t]
        for outlet in outlets:
            rows = report_rows(recent, outlet, outlets, t - 1)
            if not rows.num_rows:
                continue
            rows = rows.set_column(
                rows.schema.get_field_index("ad"), rows.schema.field("ad"), [_ad_names(rows)]
            )
            write = registry.load("formats", outlet.platform).write
            name = f"{outlet.platform}-{day_of(t):%Y-%m-%d}.csv"
            stamp = morning(t, desk.campaign.zone)
            (desk.inbox / name).write_bytes(
                write(rows, stamp=stamp, currency=outlet.currency, title="Ad report")
            )
            written.append(name)
        return written

    def committed(self, desk: Desk, nights: int) -> Result:
        """The same market, seed and starting creatives under a week's A/B test that then commits."""
        return run(
            _WithPool(self.market, _starting(desk)),
            ab_then_commit(7),
            nights,
            np.random.default_rng([self.market.seed, 9]),
        )

    @property
    def share_of_oracle(self) -> float:
        """Share of the oracle's gain over the equal split that the published shares earned, in expected value."""
        return (sum(self.engine) - sum(self.equal)) / (sum(self.oracle) - sum(self.equal))

    @property
    def lift(self) -> float:
        """Expected gain over the equal split of the starting creatives."""
        return sum(self.engine) / sum(self.equal) - 1


def null_market(campaign: Campaign, seed: int, nights: int) -> tuple[Result, list[str]]:
    """The same engine where all creatives are equal: what it made, and its last reasons."""
    from dco.plan.optimizer import Optimizer

    maker = registry.load("markets", "null")
    names = tuple(s.key for s in campaign.segments)
    market = maker(
        seed=seed, space=campaign.space, segments=names, daily_impressions=tuple([40_000] * len(names))
    )
    optimizer = Optimizer(campaign.space, campaign.plan)
    why: list[str] = []

    def decide(night: Night) -> Any:
        plan = optimizer.plan(night.history, night.live, night.pending, night.rejected, night.day, night.rng)
        why[:] = [sentence for sentence in plan.why if "nothing found" in sentence]
        return plan

    rng = np.random.default_rng([seed, 10])
    return run(market, decide, nights, rng, start_per_segment=campaign.starting_arms), why


class _WithPool:
    """A market whose starting pool is given instead of drawn."""

    def __init__(self, market: BaseMarket, pool: list[dict[str, object]]) -> None:
        self._market, self._pool = market, pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._market, name)

    def starting_pool(self, n_per_segment: int) -> list[dict[str, object]]:
        return list(self._pool)


def _row(creative: Creative, control: bool) -> dict[str, Any]:
    return {
        "arm_id": creative.arm_id,
        "segment": creative.segment,
        "attributes": creative.genome.as_dict(),
        "control": control,
    }


def _starting(desk: Desk) -> list[dict[str, object]]:
    with desk.workspace.read() as conn:
        return [_row(r.creative, True) for r in arms(conn, desk.campaign.key) if r.control]


def _live(desk: Desk) -> tuple[list[dict[str, Any]], dict[tuple[str, str], float]]:
    with desk.workspace.read() as conn:
        version = versions.current(conn, desk.campaign.key)
        rows = [_row(r.creative, r.control) for r in arms(conn, desk.campaign.key)]
    if version is None:
        return rows, {}
    return rows, {(r["segment"], r["arm_id"]): r["share"] for r in version.shares.to_pylist()}


def _outlets(campaign: Campaign) -> list[Outlet]:
    """Each placement takes an equal part of the traffic."""
    part = 1 / len(campaign.placements)
    return [
        Outlet(
            platform=p.platform,
            account=p.account,
            currency=campaign.currency,
            campaign=campaign.key,
            groups={s.key: s.platform_ids[p.platform][0] for s in campaign.segments},
            part=part,
            sizes=p.sizes,
        )
        for p in campaign.placements
    ]


def _ad_names(rows: Any) -> list[str]:
    """Names as `dco` gives them, with the size, so that files tell which size a row is."""
    return [
        ad_name(r["campaign"], r["ad_group"], r["arm_id"], r["size"]) if r["size"] else r["ad"]
        for r in rows.select(["campaign", "ad_group", "arm_id", "size", "ad"]).to_pylist()
    ]
