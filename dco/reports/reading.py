"""The report's inputs, looked up and summed once: names, colours, counts and posteriors of each ad."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from dco.records import Licence
from dco.reports import words
from dco.reports.facts import ArmCard, CampaignReport, CampaignView, Totals
from dco.reports.kpi import METRICS, RATES, Metric, Rate, wilson
from dco.reports.theme import SERIES

Key = tuple[str, str]
"""(segment, arm_id): the same pixels and words may run in two segments."""

LEAST_IMPRESSIONS = 200
"""Below this many impressions an ad's own rate says nothing and is not shown."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """One ad's row of the newest shares: intended share and what the model believes."""

    share: float
    control_share: float
    p_best: float | None
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Reading:
    """Everything the sections look up. Built by `read`."""

    report: CampaignReport
    view: CampaignView
    metric: Metric
    rate: Rate
    """What the posterior is about: the KPI's own rate, or the one that had to be learnt instead."""
    segments: tuple[str, ...]
    cards: Mapping[Key, ArmCard]
    number: Mapping[str, str]
    """arm id -> '#07', counted in order of birth over the whole campaign."""
    colour: Mapping[Key, str]
    posterior: Mapping[Key, Posterior]
    counts: Mapping[Key, Totals]
    effects: tuple[Mapping[str, Any], ...]
    """Rows of `facts.EFFECTS` with a known effect; an end that is not a number is None."""
    totals: Totals
    first_day: date | None
    last_day: date | None
    licence: Licence | None

    def of_segment(self, segment: str) -> list[ArmCard]:
        """The segment's cards: live by P(best) then share, then approved and pending, then retired, newest first."""
        rank = {"live": 0, "approved": 1, "pending": 2, "retired": 3, "expired": 4, "rejected": 5}

        def order(card: ArmCard) -> tuple[Any, ...]:
            belief = self.posterior.get((segment, card.arm_id))
            p = belief.p_best if belief and belief.p_best is not None else -1.0
            retired = -(card.retired.toordinal() if card.retired else 0)
            return rank[card.state], -p, -(belief.share if belief else 0.0), retired, self.number[card.arm_id]

        return sorted((c for (s, _), c in self.cards.items() if s == segment), key=order)

    def best(self, segment: str) -> ArmCard | None:
        """The live ad with the highest P(best); none before any result: equal chances make no leader."""
        live = [c for c in self.of_segment(segment) if c.state == "live"]
        first = live[0] if live else None
        belief = self.posterior.get((segment, first.arm_id)) if first else None
        return first if belief and belief.p_best is not None and belief.mean is not None else None

    def observed(self, key: Key) -> tuple[str, str]:
        """The ad's own KPI from its counts, and a 90 % Wilson interval where it is a click-through rate (else '')."""
        counts = self.counts.get(key)
        value = self.metric.observed(counts) if counts and counts.impressions >= LEAST_IMPRESSIONS else None
        if counts is None or value is None:
            return words.TOO_EARLY, ""
        text = self.metric.show(value, self.view.currency)
        ends = wilson(counts.clicks, counts.impressions) if self.metric.key == "ctr" else None
        return text, " to ".join(words.percent_span(*ends)) if ends else ""

    def believed(self, key: Key) -> tuple[str, str]:
        """The posterior mean and its 90 % interval, in the metric's words."""
        belief = self.posterior.get(key)
        if belief is None or belief.mean is None:
            return words.TOO_EARLY, ""
        show = lambda v: self.rate.show(v, self.view.currency)  # noqa: E731
        if belief.low is None or belief.high is None:
            return show(belief.mean), ""
        if self.rate is RATES["clicks"]:
            return show(belief.mean), " to ".join(words.percent_span(belief.low, belief.high))
        return show(belief.mean), f"{show(belief.low)} to {show(belief.high)}"

    def named(self, text: str) -> str:
        """A sentence of the log with arm ids, whole or shortened, replaced by this report's numbers; others stay."""

        def number(found: re.Match[str]) -> str:
            hits = [self.number[arm] for arm in self.number if arm.startswith(found[0])]
            return hits[0] if len(hits) == 1 else found[0]

        return re.sub(r"\bdco[0-9a-f]{4,16}\b", number, text)


def total(rows: Iterable[Mapping[str, Any]]) -> Totals:
    """Sum rows of ARM_DAYS."""
    sums: dict[str, Any] = dict.fromkeys(Totals.__slots__, 0)
    for row in rows:
        for name in sums:
            sums[name] += row[name] or 0
    return Totals(**sums)


def segments_of(report: CampaignReport, view: CampaignView) -> tuple[str, ...]:
    """Segments in the order of the campaign file, then any others the data mention."""
    mentioned = [c.segment for c in report.arms]
    for table in (report.shares, report.shares_over_time, report.arm_days):
        mentioned += table.column("segment").unique().to_pylist()
    return tuple(dict.fromkeys([*view.segments, *mentioned]))


def _finite(value: float | None) -> float | None:
    return value if words.known(value) else None


def _posteriors(shares: pa.Table) -> dict[Key, Posterior]:
    return {
        (r["segment"], r["arm_id"]): Posterior(
            r["share"], r["control_share"], *(_finite(r[k]) for k in ("p_best", "mean", "low", "high"))
        )
        for r in shares.to_pylist()
    }


def _effects(table: pa.Table) -> tuple[Mapping[str, Any], ...]:
    rows = [{**r, **{k: _finite(r[k]) for k in ("effect", "low", "high")}} for r in table.to_pylist()]
    return tuple(r for r in rows if r["effect"] is not None)


def _colours(
    report: CampaignReport, posterior: Mapping[Key, Posterior], cards: Mapping[Key, ArmCard]
) -> dict[Key, str]:
    """Six colours per segment, for the ads with the most traffic over the whole flight; the rest stay grey."""
    weight: dict[Key, float] = defaultdict(float)
    for row in report.shares_over_time.select(["segment", "arm_id", "share"]).to_pylist():
        weight[row["segment"], row["arm_id"]] += row["share"]
    for key, belief in posterior.items():
        weight[key] += 3 * belief.share  # what matters now deserves a colour before what mattered once
    colours = dict.fromkeys(cards, "rest")
    for segment in {s for s, _ in weight}:
        ranked = sorted((k for k in weight if k[0] == segment), key=lambda k: (-weight[k], k))
        colours.update(zip(ranked, SERIES, strict=False))
        colours.update(dict.fromkeys(ranked[len(SERIES) :], "rest"))
    return colours


def read(report: CampaignReport) -> Reading:
    """Look up and sum the inputs of a report once."""
    view = CampaignView.of(report.campaign)
    cards = {(c.segment, c.arm_id): c for c in report.arms}
    posterior = _posteriors(report.shares)
    rows = report.arm_days.to_pylist()
    grouped: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["segment"], row["arm_id"]].append(row)
    born = {c.arm_id: c.born or date.max for c in reversed(report.arms)}
    unseen = {arm for _, arm in [*grouped, *posterior]} - set(born)
    ordered = sorted(born, key=lambda a: (born[a], a)) + sorted(unseen)
    days = [r["day"] for r in rows]
    return Reading(
        report=report,
        view=view,
        metric=METRICS[view.kpi],
        rate=RATES[report.believed or METRICS[view.kpi].believed],
        segments=segments_of(report, view),
        cards=cards,
        number={arm: f"#{i:02d}" for i, arm in enumerate(ordered, 1)},
        colour=_colours(report, posterior, cards),
        posterior=posterior,
        counts={key: total(group) for key, group in grouped.items()},
        effects=_effects(report.effects),
        totals=report.totals or total(rows),
        first_day=min(days, default=None),
        last_day=max(days, default=None),
        licence=words.weakest(p.licence for p in report.placements),
    )
