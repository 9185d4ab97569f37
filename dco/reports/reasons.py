"""A night's decision as sentences: every share, idea and retirement, and how tired each ad is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from dco.records import ARM_ID_PATTERN
from dco.reports import words

NO_SENTENCE = "no reason was kept for this night"
FAR = "not within four months"


@dataclass(frozen=True)
class Decided:
    """What a night decided, as its step kept it. Rows are plain mappings; `why` are sentences about segments."""

    day: date
    shares: Sequence[Mapping[str, Any]] = ()
    proposals: Sequence[Mapping[str, Any]] = ()
    retire: Sequence[Mapping[str, Any]] = ()
    fatigue: Sequence[Mapping[str, Any]] = ()
    parts: Sequence[Mapping[str, Any]] = ()
    why: Sequence[str] = ()
    money: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """Arm id -> what a reader calls it."""
    simulated: str = ""
    """The simulated market behind the results, if it was one."""

    def of_arm(self, arms: Iterable[str]) -> Decided:
        """Only what is about these arms: their rows, and ideas that descend from them."""
        keep = set(arms)
        mine = lambda rows: [r for r in rows if r["arm_id"] in keep]  # noqa: E731
        ideas = [p for p in self.proposals if keep & set(p.get("parents") or ())]
        return replace(
            self, shares=mine(self.shares), proposals=ideas, retire=mine(self.retire), fatigue=mine(self.fatigue),
            parts=mine(self.parts), why=(), money=(),
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Plain lists for programs."""
        tired = {(r["segment"], r["arm_id"]): tiredness(r) for r in self.fatigue}
        return {
            "day": self.day.isoformat(),
            "simulated": self.simulated or None,
            "shares": [dict(r) for r in self.shares],
            "proposals": [dict(r) for r in self.proposals],
            "retire": [dict(r) for r in self.retire],
            "fatigue": [{**r, "told": tired[r["segment"], r["arm_id"]]} for r in self.fatigue],
            "parts": [dict(r) for r in self.parts],
            "why": list(self.why),
            "money": list(self.money),
        }


def text(decided: Decided) -> str:
    """All sentences of a night, by segment, for a terminal."""
    market = f"  (SIMULATED MARKET: {decided.simulated})" if decided.simulated else ""
    lines = [f"Decided on {words.day(decided.day)}{market}"]
    tired = {(r["segment"], r["arm_id"]): tiredness(r) for r in decided.fatigue}
    rows = [*decided.shares, *decided.proposals, *decided.retire]
    for segment in dict.fromkeys(r["segment"] for r in rows):
        lines += ["", words.pretty(segment)]
        lines += [
            f"  {_line(decided, w.removeprefix(f'{segment}: '))}"
            for w in decided.why
            if w.startswith(f"{segment}: ")
        ]
        for r in sorted(_of(decided.shares, segment), key=lambda r: -r["share"]):
            lines.append(f"  share   {_name(decided, r)}: {_line(decided, r.get('why') or NO_SENTENCE)}")
            if told := tired.get((segment, r["arm_id"])):
                lines.append(f"          {words.sentence(told)}")
        for r in _of(decided.retire, segment):
            lines.append(f"  retire  {_name(decided, r)}: {_line(decided, r['why'])}")
        for r in _of(decided.proposals, segment):
            lines.append(f"  new     {idea(r)}: {_line(decided, r.get('why') or NO_SENTENCE)}")
    segments = {r["segment"] for r in rows}
    rest = [w for w in decided.why if w.partition(": ")[0] not in segments]
    if rest or decided.money:
        lines += ["", "campaign", *(f"  {_line(decided, w)}" for w in (*rest, *decided.money))]
    if not rows and not rest:
        lines += ["", "  Nothing was decided."]
    return "\n".join(lines)


def _line(decided: Decided, sentence: str) -> str:
    """A sentence that calls ads as a reader does; one that starts with an ad keeps its letters."""

    def short(found: re.Match[str]) -> str:
        return decided.names.get(found[0], found[0]).partition(" (")[0]

    told = words.sentence(re.sub(ARM_ID_PATTERN, short, sentence))
    return told[0].lower() + told[1:] if re.match(ARM_ID_PATTERN, sentence) else told


def _of(rows: Sequence[Mapping[str, Any]], segment: str) -> list[Mapping[str, Any]]:
    return [r for r in rows if r["segment"] == segment]


def _name(decided: Decided, row: Mapping[str, Any]) -> str:
    return decided.names.get(row["arm_id"], row["arm_id"])


def idea(row: Mapping[str, Any]) -> str:
    """The options of a proposal: 'amber beach, 'gift''."""
    genome = {a: o for a, o in row["attributes"].items() if o}
    return words.idea(genome) or ", ".join(genome.values())


def tiredness(row: Mapping[str, Any]) -> str:
    """What wear has done to an ad and when it will have done too much; 'cannot be told yet' without evidence.

    Args:
        row: as the night's step keeps it: verdict, losses with 80 % ends, dates or null for beyond sight.
    """
    since = words.day(date.fromisoformat(row["since"]), year=False)
    lost = f"{_pct(row['loss'])} ({_pct(row['loss_low'])} to {_pct(row['loss_high'])})"
    verdict = row["verdict"]
    below = f"{_pct(abs(row['fresh']))} below the segment's average ad from its first week, wear apart"
    if verdict == "tired":
        return f"tired: lost {lost} since {since}; {_coming(row)}"
    if verdict == "tired and never good":
        return f"tired and never good: {below}, and lost {lost} since {since}"
    if verdict == "never good":
        return f"never good: {below}"
    if verdict == "holds":
        return f"holds: at most {_pct(row['loss_high'])} lost since {since}; {_coming(row)}"
    if row["age"] < 7:
        return f"whether it tires cannot be told yet: it began on {since}"
    return f"whether it tires cannot be told yet: it lost between {_pct(row['loss_low'])} and {_pct(row['loss_high'])} since {since}"


def _coming(row: Mapping[str, Any]) -> str:
    low, mid, high = (_on(row[k]) for k in ("worn_low", "worn", "worn_high"))
    worn = "it has lost 20 %" if row["loss"] >= 0.2 else f"a fifth will be lost on {mid} ({low} to {high})"
    if mid == FAR:
        worn = f"a fifth will be lost {FAR}" + (f" ({low} at the earliest)" if low != FAR else "")
    if row["p_falls"] < 0.5 or row["falls"] is None:
        return f"{worn}; it is not expected to fall below the segment's mix within four months"
    if row["falls"] == row["falls_low"] == row["falls_high"]:
        return f"{worn}; it is below the segment's mix already"
    return f"{worn}; it falls below the segment's mix on {_on(row['falls'])} ({_on(row['falls_low'])} to {_on(row['falls_high'])})"


def _on(day: str | None) -> str:
    return words.day(date.fromisoformat(day), year=False) if day else FAR


def _pct(value: float) -> str:
    return words.share(value) if value > 0 else "0 %"
