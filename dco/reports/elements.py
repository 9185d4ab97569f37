"""What single options and pairs of them earn: forest plots, example ads beside the ends, and words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from dco.reports import charts, words
from dco.reports.charts import Span
from dco.reports.facts import ArmCard
from dco.reports.reading import Reading
from dco.reports.sections import picture
from dco.reports.words import pretty

STAGES = {"clicks": "clicks", "conversions": "conversions per click", "revenue": "revenue per click"}


def effects(reading: Reading) -> list[dict[str, Any]]:
    """Per attribute a forest plot of its options, best first, an ad with the best and one with the worst, and words."""
    rows = [r for r in reading.effects if r["segment"] is None]
    blocks: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for r in sorted(rows, key=lambda r: (r["attribute"], -r["effect"], r["option"])):
        blocks[r["attribute"]].append(r)
    spread = {a: options[0]["effect"] - options[-1]["effect"] for a, options in blocks.items()}
    order = sorted(blocks, key=lambda a: (-spread[a], a))
    return [_block(reading, a, blocks[a], f"e{i}") for i, a in enumerate(order)]


def _block(reading: Reading, attribute: str, rows: Sequence[Mapping[str, Any]], ident: str) -> dict[str, Any]:
    spans = [
        Span(
            pretty(r["option"]), r["effect"], r["low"], r["high"],
            words.signed_percent(r["effect"]), {1: "good", -1: "warn", 0: "hold"}[_settled(r)],
        )
        for r in rows
    ]  # fmt: skip
    chart = charts.intervals(
        spans,
        title=pretty(attribute).capitalize(),
        subtitle="against its average option, 90 % interval",
        axis="",
        ident=ident,
        simulated=reading.report.simulated,
        zero=True,
        percent=True,
    )
    ends = [("best", rows[0])] + ([("worst", rows[-1])] if len(rows) > 1 else [])
    return {
        "attribute": pretty(attribute),
        "chart": Markup(chart),
        "ends": [
            {
                "which": which if _settled(r) else f"{'ahead' if which == 'best' else 'behind'}, undecided",
                "option": pretty(r["option"]),
                "picture": picture(card) if card else "",
                "number": reading.number[card.arm_id] if card else "",
                "tone": spans[0 if which == "best" else -1].colour,
            }
            for which, r in ends
            for card in [_example(reading, attribute, r["option"])]
        ],
        "told": told(pretty(attribute), rows),
    }


def _settled(row: Mapping[str, Any]) -> int:
    """1 or -1 where the interval is on one side of zero, else 0."""
    if row["low"] is None or row["high"] is None or row["low"] <= 0 <= row["high"]:
        return 0
    return 1 if row["effect"] > 0 else -1


def told(attribute: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The forest plot in words; an option whose interval includes 0 is undecided.

    >>> told("light", [{"option": "dusk", "effect": 0.1, "low": 0.04, "high": 0.16}, {"option": "noon", "effect": -0.1, "low": -0.2, "high": 0.01}])
    'Dusk earns 10 % more (4 % to 16 %) than the average light. Undecided, as its interval includes 0: noon.'
    """
    clear = [r for r in rows if _settled(r)]
    open_ = [pretty(r["option"]) for r in rows if not _settled(r)]
    parts = [
        f"{pretty(r['option'])} earns {words.signed_percent(abs(r['effect'])).lstrip('+')} "
        f"{'more' if r['effect'] > 0 else 'less'} ({_span(r['low'], r['high'])})"
        for r in clear
    ]
    text = f"{words.sentence(f'{words.listed(parts)} than the average {attribute}')} " if parts else ""
    if open_:
        which = "its interval includes" if len(open_) == 1 else "their intervals include"
        text += f"Undecided, as {which} 0: {words.listed(open_)}."
    return text.strip()


def _span(low: float, high: float) -> str:
    return words.change((low + high) / 2, low, high).partition("(")[2].rstrip(")")


def _example(reading: Reading, attribute: str, option: str) -> ArmCard | None:
    """The best live ad with the option, else one that had it."""
    having = [c for c in reading.report.arms if c.genome.get(attribute) == option and c.thumb]

    def worth(card: ArmCard) -> tuple[float, str]:
        belief = reading.posterior.get((card.segment, card.arm_id))
        return (-(belief.mean or 0.0) if belief else 0.0, reading.number[card.arm_id])

    return min(having, key=worth, default=None)


def pairs(reading: Reading) -> list[str]:
    """The believed interactions in words, surest first."""
    return [
        words.sentence(
            f"{pretty(r['first'])} {pretty(r['first_option'])} together with {pretty(r['second'])} "
            f"{pretty(r['second_option'])} earns {words.signed_percent(abs(r['effect_pct']) / 100).lstrip('+')} "
            f"{'more' if r['effect_pct'] > 0 else 'less'} {STAGES[r['stage']]} than the two promise apart "
            f"({_span(r['low_pct'] / 100, r['high_pct'] / 100)}; seen in {words.plural(r['arms'], 'ad')}; the sign is wrong with "
            f"probability {words.chance(r['false_sign'])})"
        )
        for r in reading.report.interactions
    ]
