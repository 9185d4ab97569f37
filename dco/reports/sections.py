"""The report's sections as plain values for the template: figures already written, charts already drawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from markupsafe import Markup

from dco.reports import charts, lineage, making, plain, reasons, words
from dco.reports.charts import Band, Span
from dco.reports.facts import ArmCard
from dco.reports.pictures import use
from dco.reports.reading import Reading, total
from dco.reports.words import pretty

STATE_WORDS = {
    "live": "live",
    "approved": "approved, not yet live",
    "pending": "waits for approval",
    "retired": "retired",
    "rejected": "rejected",
    "expired": "expired",
}


def picture(card: ArmCard, css: str = "pic") -> Markup:
    """The ad's picture by reference, with its words as alternative text."""
    told = f"Ad for {pretty(card.segment)}: “{card.copy.headline}”, " + ", ".join(
        f"{pretty(a)} {pretty(o)}" for a, o in card.genome.items()
    )
    return Markup(use(f"pic-{card.arm_id}", told, css))


def state_words(card: ArmCard) -> str:
    """The ad's state; a starting ad keeps serving the holdout even when learning has dropped it."""
    if card.control and card.state == "retired":
        return "retired from learning, still serves the holdout"
    return STATE_WORDS[card.state] + (
        ", serves the holdout too" if card.control and card.state == "live" else ""
    )


def fate(reading: Reading, card: ArmCard) -> str:
    """Birth, retirement and approval of an ad in one line."""
    parts = [f"since {words.day(card.born, year=False)}"] if card.born else []
    if card.retired:
        parts.append(f"retired {words.day(card.retired, year=False)}")
    if card.retired_why:
        parts.append(reading.named(card.retired_why.rstrip(".")))
    if card.approved_by:
        parts.append(f"approved by {card.approved_by}" + (f" (rule {card.rule})" if card.rule else ""))
    elif card.rule:
        parts.append(f"approved by rule {card.rule}")
    return "; ".join(parts)


def league(reading: Reading, segment: str) -> list[dict[str, Any]]:
    """One row per ad of the segment, in the reading's order."""
    rows = []
    for card in reading.of_segment(segment):
        key = (segment, card.arm_id)
        belief, counts = reading.posterior.get(key), reading.counts.get(key)
        rows.append(
            {
                "card": card,
                "number": reading.number[card.arm_id],
                "picture": picture(card),
                "colour": reading.colour[key],
                "genome": [(pretty(a), pretty(o)) for a, o in card.genome.items()],
                "state": state_words(card),
                "live": card.state == "live",
                "fate": fate(reading, card),
                "observed": reading.observed(key),
                "believed": reading.believed(key) if belief else ("–", ""),
                "p_best": words.chance(belief.p_best) if belief and belief.p_best is not None else "",
                "p_width": round(100 * (belief.p_best or 0)) if belief else 0,
                "share": words.share(belief.share) if belief else "",
                "control": words.share(belief.control_share) if belief and belief.control_share > 0 else "",
                "impressions": words.count(counts.impressions) if counts else "0",
            }
        )
    return rows


def shares_chart(reading: Reading, segment: str, ident: str) -> Markup:
    """Stacked shares of a segment over time; empty when no version has been published."""
    by_day: dict[date, dict[str, tuple[float, float]]] = defaultdict(dict)
    for r in reading.report.shares_over_time.to_pylist():
        if r["segment"] == segment:
            by_day[r["day"]][r["arm_id"]] = (r["share"], r["control_share"])
    if not by_day:
        return Markup("")
    first, last = min(by_day), max(by_day)
    tables, current = [], by_day[first]
    for i in range((last - first).days + 1):
        # Shares hold until the next version: a day without a row keeps yesterday's.
        current = by_day.get(first + timedelta(days=i), current)
        tables.append(current)
    arms = sorted({a for t in tables for a in t}, key=lambda a: reading.number.get(a, a))
    none = (0.0, 0.0)
    bands = [
        Band(
            reading.number.get(a, a),
            tuple(max(0.0, t.get(a, none)[0] - t.get(a, none)[1]) for t in tables),
            reading.colour.get((segment, a), "rest"),
        )
        for a in arms
    ]
    holdout = [sum(c for _, c in t.values()) for t in tables]
    return Markup(
        charts.shares_over_time(
            first,
            bands,
            holdout,
            title=pretty(segment).capitalize(),
            ident=ident,
            simulated=reading.report.simulated,
        )
    )


def posterior_chart(reading: Reading, segment: str, ident: str) -> Markup:
    """What the model believes of each live ad, best first; empty without a posterior."""
    rate, currency = reading.rate, reading.view.currency
    rows = [(a, b) for (s, a), b in reading.posterior.items() if s == segment and b.mean is not None]
    if not rows:
        return Markup("")
    rows.sort(key=lambda r: (-(r[1].mean or 0), r[0]))
    scale = rate.axis_scale
    scaled = lambda v: None if v is None else v * scale  # noqa: E731
    spans = []
    for arm, b in rows:
        note = f"{rate.show(b.mean, currency)}, best: {words.chance(b.p_best)}"
        colour = reading.colour.get((segment, arm), "rest")
        spans.append(Span(reading.number[arm], scaled(b.mean), scaled(b.low), scaled(b.high), note, colour))
    weight = sum(b.share for _, b in rows)
    mean = sum(b.share * (b.mean or 0) for _, b in rows) / weight if weight > 0 else None
    return Markup(
        charts.intervals(
            spans,
            title=pretty(segment).capitalize(),
            subtitle="mean and 90 % interval; dashed: average by share",
            axis=rate.axis,
            ident=ident,
            simulated=reading.report.simulated,
            reference=(mean * scale, "average") if mean is not None else None,
        )
    )


def gain_chart(reading: Reading) -> Markup:
    """All comparisons as intervals, the holdout first."""
    report = reading.report
    rows = []
    if report.gain and words.known(report.gain.value):
        rows.append(("the holdout", report.gain.value, report.gain.low, report.gain.high, "accent"))
    rows += [
        (r.name, r.value, r.low, r.high, "hold")
        for r in report.gain_table
        if words.known(r.value) and (report.simulated or not r.simulated_only)
    ]
    if not rows:
        return Markup("")
    # The figures stand in the table beside it, so that the chart stays readable on a phone.
    spans = [Span(n, v, lo, hi, "", c) for n, v, lo, hi, c in rows]
    return Markup(
        charts.intervals(
            spans,
            title="Compared with",
            subtitle=f"change in {reading.metric.what}, {report.gain.level if report.gain else 90} % interval",
            axis="",
            ident="gain",
            simulated=report.simulated,
            zero=True,
            percent=True,
        )
    )


def daily_chart(reading: Reading) -> Markup:
    """The KPI over all ads by day, unsettled days hollow."""
    by_day: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for row in reading.report.arm_days.to_pylist():
        by_day[row["day"]].append(row)
    if len(by_day) < 2:
        return Markup("")
    first, last = min(by_day), max(by_day)
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    scale = {"ctr": 100.0, "roas": 1.0, "cpa": 1e-6, "revenue_per_impression": 1e-6}[reading.metric.key]
    unit = {"ctr": ", %", "roas": ""}.get(reading.metric.key, f", {reading.view.currency}")
    values = [reading.metric.observed(total(by_day[d])) if d in by_day else None for d in days]
    open_days = {u.day for u in reading.report.unsettled}
    return Markup(
        charts.daily(
            first,
            [None if v is None else v * scale for v in values],
            [d in open_days for d in days],
            title=f"{reading.metric.name} by day",
            subtitle="all ads" + ("; hollow: still unsettled" if open_days else ""),
            axis=reading.metric.name + unit,
            ident="daily",
            simulated=reading.report.simulated,
        )
    )


def differences(reading: Reading) -> list[dict[str, str]]:
    """Where a segment's own effect is clear of zero: the strongest twelve, by the nearer end of their interval."""
    rows = [
        r
        for r in reading.effects
        if r["segment"] is not None
        and r["low"] is not None
        and r["high"] is not None
        and not r["low"] <= 0 <= r["high"]
    ]
    rows.sort(key=lambda r: (-min(abs(r["low"]), abs(r["high"])), r["segment"], r["attribute"], r["option"]))
    return [
        {
            "segment": pretty(r["segment"]),
            "element": f"{pretty(r['attribute'])}: {pretty(r['option'])}",
            "effect": words.change(r["effect"], r["low"], r["high"]),
        }
        for r in rows[:12]
    ]


def family(reading: Reading, segment: str) -> Markup:
    """The segment's family tree; the leading ad's line is strong."""
    cards = sorted(
        (c for (s, _), c in reading.cards.items() if s == segment), key=lambda c: reading.number[c.arm_id]
    )
    nodes = []
    for card in cards:
        belief = reading.posterior.get((segment, card.arm_id))
        mean = belief.mean if belief else None
        note = reading.rate.show(mean, reading.view.currency) if mean is not None else card.state
        nodes.append(
            lineage.Node(
                card.arm_id,
                reading.number[card.arm_id],
                note,
                f"pic-{card.arm_id}",
                card.parents,
                faded=card.state in {"retired", "rejected", "expired"},
            )
        )
    best = reading.best(segment)
    return Markup(
        lineage.tree(
            nodes,
            winner=best.arm_id if best else None,
            title=f"Family tree of {pretty(segment)}",
            simulated=reading.report.simulated,
        )
    )


def decisions(reading: Reading) -> list[dict[str, Any]]:
    """Per segment what the newest night decided about each ad, what it retires and what it proposes, with every reason."""
    decided = reading.report.decided
    if decided is None:
        return []
    tired = {(r["segment"], r["arm_id"]): reasons.tiredness(r) for r in decided.fatigue}
    blocks = []
    for segment in reading.segments:
        mine = [r for r in decided.shares if r["segment"] == segment]
        lines = [w.removeprefix(f"{segment}: ") for w in decided.why if w.startswith(f"{segment}: ")]
        blocks.append(
            {
                "name": pretty(segment),
                "why": [words.sentence(reading.named(w)) for w in lines],
                "shares": [
                    _reason(
                        reading, r, r.get("why") or reasons.NO_SENTENCE, tired.get((segment, r["arm_id"]), "")
                    )
                    for r in sorted(mine, key=lambda r: (-r["share"], r["arm_id"]))
                ],
                "retired": [_reason(reading, r, r["why"]) for r in decided.retire if r["segment"] == segment],
                "ideas": [
                    (
                        words.sentence(reasons.idea(r)).rstrip("."),
                        reading.named(r.get("why") or reasons.NO_SENTENCE).rstrip(".") + ".",
                    )
                    for r in decided.proposals
                    if r["segment"] == segment
                ],
            }
        )
    return blocks


def _reason(reading: Reading, row: Mapping[str, Any], why: str, tired: str = "") -> dict[str, Any]:
    card = reading.cards.get((row["segment"], row["arm_id"]))
    return {
        "picture": picture(card, "pic small") if card else "",
        "number": reading.number.get(row["arm_id"], row["arm_id"]),
        "why": words.sentence(reading.named(why)),
        "tired": words.sentence(reading.named(tired)) if tired else "",
    }


def nights(reading: Reading) -> list[dict[str, Any]]:
    """Each night with its sentences, ads by their numbers; a day that a sentence repeats at its start is left out."""
    rows = []
    for n in reading.report.nights:
        heads = tuple(f"{words.day(n.day)}{mark}: " for mark in ("", " (simulated)"))
        lines = []
        for text in n.sentences:
            head = next((h for h in heads if text.startswith(h)), "")
            lines.append(words.sentence(reading.named(text.removeprefix(head))))
        if n.missed:
            lines.append(plain.missed_sentence(n.born + len(n.missed), n.missed, most=len(n.missed)))
        version = f"version {n.version}" if n.version is not None else "no new version"
        moved = f"{n.born} new · {n.retired} retired · {n.moved} moved"
        rows.append({"day": words.day(n.day), "version": version, "counts": moved, "lines": lines})
    return rows


def costs(reading: Reading) -> dict[str, Any] | None:
    """What making the ads took: totals by kind, per ad made, and a chart by day. None when nothing was recorded."""
    rows = reading.report.costs.to_pylist()
    if not rows:
        return None
    currency = reading.view.currency
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    cells: dict[tuple[str, date], float] = defaultdict(float)
    for r in rows:
        sums[r["kind"]][0] += r["seconds"]
        sums[r["kind"]][1] += r["micros"]
        cells[r["kind"], r["day"]] += r["seconds"] / 60
    seconds, micros = (sum(s[i] for s in sums.values()) for i in (0, 1))
    first, last = min(r["day"] for r in rows), max(r["day"] for r in rows)
    days: Sequence[date] = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    kinds = sorted(sums, key=lambda k: (-sums[k][0], k))
    made = len(reading.report.arms)
    chart = charts.stacked_bars(
        first,
        [(k, [cells[k, d] for d in days]) for k in kinds],
        title="Time to make ads",
        subtitle="minutes of computing by day",
        axis="minutes",
        ident="costs",
        simulated=reading.report.simulated,
    )
    return {
        "chart": Markup(chart),
        "rows": [
            (
                pretty(k),
                words.duration(sums[k][0]),
                words.money(sums[k][1], currency),
                f"c{i}" if i <= 6 else "rest",
            )
            for i, k in enumerate(kinds, 1)
        ],
        "total": (words.duration(seconds), words.money(micros, currency)),
        "making": [(when, making.sentence(taken)) for when, taken in reading.report.making],
        "each": (words.duration(seconds / made), words.money(micros / made, currency)) if made else None,
    }
