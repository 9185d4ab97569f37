"""The study's tables as Markdown and CSV, and its chart."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import vl_convert

from experiments.studies.closed_loop import scores
from experiments.studies.closed_loop.deciders import ENGINE, LOOPS, REFRESH
from experiments.studies.closed_loop.runner import FRESH_SEED, Run
from experiments.studies.closed_loop.scores import Duel, Mean, Table


@dataclass(frozen=True)
class Study:
    """Finished runs and how they were asked for."""

    command: str
    markets: tuple[str, ...]
    names: tuple[str, ...]
    nights: int
    seeds: int
    table: Table
    notes: tuple[str, ...] = ()

    @property
    def half(self) -> int:
        """The day in the middle, of those kept."""
        days = next(iter(self.table[self.markets[0], self.names[0]].values())).days
        return min(days, key=lambda d: abs(d - self.nights / 2))


def number(value: float, digits: int, sign: str = "") -> str:
    """As printed, without a minus before nothing; empty where it could not be computed."""
    return "" if np.isnan(value) else f"{round(value, digits) + 0.0:{sign}.{digits}f}"


def pm(found: Mean | None, digits: int = 3, sign: str = "") -> str:
    """Mean +- standard error."""
    if found is None:
        return "nothing to gain"
    se = "" if np.isnan(found.se) else f" ± {number(found.se, digits)}"
    return f"{number(found.mean, digits, sign)}{se}"


def interval(found: Mean | None, digits: int = 2) -> str:
    """Mean and 95 % interval."""
    if found is None:
        return ""
    mean, low, high = (number(v, digits, "+") for v in (found.mean, found.low, found.high))
    return f"{mean} ({low} to {high})" if low else mean


def markdown(study: Study) -> str:
    """The whole report."""
    first = FRESH_SEED
    lines = [
        "# Closed loops on simulated markets",
        "",
        f"Written by `{study.command}`. Simulated: {len(study.markets)} markets, {study.nights} nights, {study.seeds} paired",
        f"fresh seeds (market seeds {first} to {first + study.seeds - 1}), 16 starting creatives a segment, up to 8 new a",
        "segment-night, each paid for. Every decider meets the same market, pool, equal split and oracle at a seed.",
        *(["", *study.notes] if study.notes else []),
        "",
        "## The lead",
        "",
        f"The engine beside the peer loop that earned most in each market, day {study.nights}: shares of the oracle's gain over the",
        "equal split (± standard error), and what the engine earned more, in percent of the equal split and of random refresh.",
        "",
        *lead(study),
        "",
        "## Share of the oracle's gain over the equal split",
        "",
        f"Net of what new creatives cost; day {study.half} / day {study.nights}, mean ± standard error over seeds.",
        "",
        *_shares(study),
        "",
        f"## The engine against each peer, up to day {study.nights}",
        "",
        "Difference of net gains in percent of what the equal split earns, and of what random refresh earns that makes as many",
        "creatives; mean and 95 % t interval over paired seeds, each by itself. `ahead` and `behind`: the first interval leaves",
        "out 0; `tie`: it does not. `won`: seeds in which the engine earned more.",
        "",
        *_duels(study),
        *_null(study),
        "",
        "## What a night costs",
        "",
        "CPU milliseconds of one decision, reading included; mean over markets, seeds and nights.",
        "",
        *_costs(study),
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def lead(study: Study) -> list[str]:
    """The table that a reader in a hurry wants: one row a market in which there is something to find."""
    lines = [
        "| market | engine | strongest peer loop | engine's lead, % of equal split | % of random refresh |",
        "|---|---|---|---|---|",
    ]
    for market in study.markets:
        ours = scores.shares(study.table[market, ENGINE], study.nights)
        best = scores.best_loop(study.table, market, LOOPS, study.nights)
        if ours is None or best is None:
            continue
        found = scores.duel(study.table, market, ENGINE, best, study.nights, REFRESH)
        theirs = scores.shares(study.table[market, best], study.nights)
        lines.append(
            f"| {market} | {pm(ours, 2)} | {best} {pm(theirs, 2)} | {interval(found.lift, 1)} | {interval(found.over_refresh, 1)} |"
        )
    return lines


def _shares(study: Study) -> list[str]:
    lines = ["| decider | " + " | ".join(study.markets) + " |", "|---" * (len(study.markets) + 1) + "|"]
    for name in study.names:
        cells = []
        for market in study.markets:
            runs = study.table[market, name]
            half, whole = (scores.shares(runs, day) for day in (study.half, study.nights))
            cells.append(f"{pm(half)} / {pm(whole)}" if half and whole else "nothing to gain")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def duels(study: Study) -> list[Duel]:
    """All duels of the engine, in order of market and decider."""
    return [
        scores.duel(study.table, market, ENGINE, name, study.nights, REFRESH)
        for market in study.markets
        for name in study.names
        if name != ENGINE
    ]


def _duels(study: Study) -> list[str]:
    lines = [
        "| market | peer | % of equal split | % of random refresh | share of oracle's gain | won | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for found in duels(study):
        best = scores.best_loop(study.table, found.market, LOOPS, study.nights)
        name = f"**{found.peer}**" if found.peer == best else found.peer
        lines.append(
            f"| {found.market} | {name} | {interval(found.lift)} | {interval(found.over_refresh)} | "
            f"{interval(found.share, 3)} | {found.won}/{found.lift.n} | {found.verdict} |"
        )
    return [
        *lines,
        "",
        "Bold: the peer loop that earned most in that market on these seeds.",
        "",
        *_score(study),
    ]


def _score(study: Study) -> list[str]:
    """How often each peer is beaten, over the markets in which there is something to find."""
    real = {m for m in study.markets if scores.shares(study.table[m, ENGINE], study.nights)}
    lines = ["| peer | ahead | tie | behind | seeds won |", "|---|---|---|---|---|"]
    for name in study.names:
        mine = [d for d in duels(study) if d.peer == name and d.market in real]
        if mine:
            said = [d.verdict for d in mine]
            won, n = sum(d.won for d in mine), sum(d.lift.n for d in mine)
            counts = " | ".join(str(said.count(v)) for v in ("ahead", "tie", "behind"))
            lines.append(f"| {name} | {counts} | {won}/{n} |")
    return lines


def _null(study: Study) -> list[str]:
    """Markets without anything to find: what the search costs there."""
    empty = [m for m in study.markets if scores.shares(study.table[m, ENGINE], study.nights) is None]
    lines: list[str] = []
    for market in empty:
        lines += [
            "", f"## Nothing to find: `{market}`", "",
            "| decider | net gain in % of equal split | new creatives per segment-day after day 30 |", "|---|---|---|",
        ]  # fmt: skip
        for name in study.names:
            runs = study.table[market, name]
            late = scores.made_late(runs)
            lines.append(
                f"| {name} | {interval(scores.lift(runs, study.nights))} | {pm(late, 2) if late else ''} |"
            )
    return lines


def _costs(study: Study) -> list[str]:
    lines = ["| decider | ms a night |", "|---|---|"]
    for name in study.names:
        ms = [r.ms_per_night for m in study.markets for r in study.table[m, name].values()]
        lines.append(f"| {name} | {np.mean(ms):.1f} |")
    return lines


def write(study: Study, out: Path) -> str:
    """RESULTS.md, results.csv and shares.svg in `out`; returns the report."""
    text = markdown(study)
    (out / "RESULTS.md").write_text(text, encoding="utf-8")
    with (out / "results.csv").open("w", newline="", encoding="utf-8") as file:
        rows = list(_rows(study))
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (out / "shares.svg").write_text(chart(study), encoding="utf-8")
    return text


def _rows(study: Study) -> Sequence[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for market in study.markets:
        for name in study.names:
            runs = study.table[market, name]
            for day in (study.half, study.nights):
                row: dict[str, object] = {"market": market, "decider": name, "day": day, "seeds": len(runs)}
                part, gain = scores.shares(runs, day), scores.lift(runs, day)
                row |= {"share": number(part.mean, 5), "share_se": number(part.se, 5)} if part else {
                    "share": "", "share_se": ""
                }  # fmt: skip
                row |= {"lift_pct": number(gain.mean, 4), "lift_se": number(gain.se, 4)}
                against = (
                    scores.duel(study.table, market, ENGINE, name, day, REFRESH).lift
                    if name != ENGINE
                    else None
                )
                for key in ("mean", "low", "high"):
                    row[f"engine_minus_pct_{key}"] = number(getattr(against, key), 4) if against else ""
                rows.append(row)
    return rows


def chart(study: Study) -> str:
    """SVG: share of the oracle's gain at the last day, one panel per market, whiskers of two standard errors."""
    values: list[dict[str, Any]] = []
    for market in study.markets:
        for name in study.names:
            found = scores.shares(study.table[market, name], study.nights)
            if found and name != "equal split":
                se = 0.0 if np.isnan(found.se) else found.se
                values.append(
                    {"market": market, "decider": name, "share": found.mean, "low": found.mean - 2 * se,
                     "high": found.mean + 2 * se, "who": "engine" if name.startswith(ENGINE) else "peer"}
                )  # fmt: skip
    order = [n for n in study.names if n != "equal split"]
    colour = alt.Color("who:N", legend=None).scale(domain=["engine", "peer"], range=["#0b6e4f", "#7a7f87"])
    y = alt.Y("decider:N", sort=order, title=None)
    base = alt.Chart(alt.Data(values=values))
    rule = base.mark_rule(strokeWidth=2).encode(
        alt.X("low:Q", title="share of the oracle's gain"), alt.X2("high:Q"), y, colour
    )
    point = base.mark_point(filled=True, size=60, opacity=1).encode(alt.X("share:Q"), y, colour)
    picture = (
        alt.layer(rule, point)
        .properties(width=170, height=17 * len(order))
        .facet(alt.Facet("market:N", sort=list(study.markets), title=None), columns=4)
        .resolve_axis(x="independent")
        .configure(font="sans-serif", background="white")
        .configure_view(stroke="#dddddd")
    )
    return str(vl_convert.vegalite_to_svg(json.dumps(picture.to_dict())))


def of(runs: Sequence[Run], command: str, notes: Sequence[str] = ()) -> Study:
    """The study that some finished runs are."""
    first = runs[0]
    return Study(
        command, tuple(dict.fromkeys(r.market for r in runs)), tuple(dict.fromkeys(r.decider for r in runs)),
        first.nights, len({r.seed for r in runs}), scores.by_key(runs), tuple(notes),
    )  # fmt: skip
