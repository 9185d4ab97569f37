"""What the shadow engine's split would have earned, as far as the lever that served the ads lets anyone say.

`randomised` licenses a value; `budgeted` one that the delivery may explain, with how much it would have to; under
`platform-chosen` there is none, because the platform showed each ad to whom it liked, and only what would make the
question answerable is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dco.plan.shadow import Key, ShadowNight
from dco.records import LICENCE_OF, Lever, Licence, PlanSettings
from dco.stats.mix import MixValue, mix_value, nights_of_test
from dco.stats.off_policy_counts import Block

Floats = NDArray[np.float64]

MEASURES: Mapping[str, tuple[str, ...]] = {
    "ctr": ("clicks",),
    "cpa": ("conversions", "clicks"),
    "roas": ("revenue_micros", "conversions", "clicks"),
    "revenue_per_impression": ("revenue_micros", "conversions", "clicks"),
}
"""KPI -> what is counted, falling back as the optimizer does where no report states the better one."""
FOLLOWED = 0.05
"""Part of the impressions that may go elsewhere than intended before nobody can say that they were drawn as intended."""
GAIN_TO_TELL = 0.10
"""The gain that a test is planned for."""
PARTS = {"rotation": 0.5, "holdout": None}
"""Part of the traffic held on an equal split: half of it in a test by rotation, the campaign's own holdout otherwise."""
USUAL_HOLDOUT = 0.10


@dataclass(frozen=True)
class Valued:
    """All placements of one licence."""

    licence: Licence
    placements: tuple[str, ...]
    value: MixValue | None
    """None where the lever licenses no value."""
    impressions: int
    moved: float
    """Part of the impressions that the engine would have given to other ads."""
    strayed: float | None
    """Part of the impressions that went elsewhere than intended; None where no intended share is known."""
    downgraded: bool
    """The lever promised to draw who sees what, and the delivery did not follow it."""
    propensities: str
    """'intended' or 'delivered' shares."""
    nights_of_test: Mapping[str, int | None]
    """Nights that would tell a gain of `GAIN_TO_TELL` from none, by kind of test; see `PARTS`."""


@dataclass(frozen=True)
class ArmDay:
    """One arm of a segment on one day, all placements together: what it was given, and would have been."""

    day: date
    segment: str
    arm_id: str
    impressions: int
    served: float
    engine: float


@dataclass(frozen=True)
class Worth:
    """All that the data say about a replay."""

    measure: str
    valued: tuple[Valued, ...]
    arm_days: tuple[ArmDay, ...]
    settled_until: date | None
    """Last day whose conversions were complete; None where no day is, or where clicks are counted."""
    left_out_days: int
    """Days that are not valued because late conversions may still come."""


def worth(
    history: pa.Table,
    nights: Sequence[ShadowNight],
    settings: PlanSettings,
    *,
    window_days: int,
    read_on: date,
    level: float = 0.95,
) -> Worth:
    """Value a replay by the newest knowledge of every day.

    Args:
        history, settings: as given to `replay`. window_days: age from which a day's conversions are complete on
            `read_on`, when the reports were last read; younger days are not valued when conversions or revenue are what counts.
    """
    cells = _newest(history)
    measure = measure_of(cells, settings.kpi)
    decided = {night.day: night for night in nights}
    arm_days = tuple(_arm_days(cells, decided))
    kept = [row for row in cells if row["day"] in decided]
    settled, left_out = None, 0
    if measure != "clicks":
        young = {row["day"] for row in kept if (read_on - row["day"]).days < window_days}
        kept = [row for row in kept if row["day"] not in young]
        settled, left_out = max((row["day"] for row in kept), default=None), len(young)
    return Worth(
        measure, tuple(_valued(kept, decided, measure, settings, level)), arm_days, settled, left_out
    )


def measure_of(cells: Sequence[Mapping[str, Any]], kpi: str) -> str:
    """What is counted for a KPI: the first of its measures that any report states."""
    wanted = MEASURES[kpi]
    return next((m for m in wanted if any(row[m] is not None for row in cells)), wanted[-1])


def _newest(history: pa.Table) -> list[dict[str, Any]]:
    """The newest version of every cell, summed over sizes."""
    key = ["segment", "arm_id", "placement", "size", "day"]
    counts = ("impressions", "clicks", "conversions", "revenue_micros")
    plain = history.select([*key, "as_of", *counts, "intended_share", "lever"])
    for name in ("placement", "size"):
        at = plain.schema.get_field_index(name)
        plain = plain.set_column(at, name, pc.fill_null(plain[name], ""))
    newest = plain.group_by(key).aggregate([("as_of", "max")]).rename_columns([*key, "as_of"])
    rows = plain.join(newest, [*key, "as_of"], join_type="inner")
    options = pc.ScalarAggregateOptions(skip_nulls=True, min_count=1)
    coarse = [name for name in key if name != "size"]
    summed = rows.group_by(coarse).aggregate(
        [
            *((name, "sum", options) for name in counts),
            ("intended_share", "max"),
            ("lever", "max"),
        ]
    )
    names = [*coarse, *counts, "intended_share", "lever"]
    return list(summed.rename_columns(names).sort_by([(name, "ascending") for name in coarse]).to_pylist())


def _arm_days(cells: Sequence[Mapping[str, Any]], decided: Mapping[date, ShadowNight]) -> list[ArmDay]:
    shown: dict[tuple[date, str], dict[str, int]] = {}
    for row in cells:
        if row["day"] in decided:
            at = shown.setdefault((row["day"], row["segment"]), {})
            at[row["arm_id"]] = at.get(row["arm_id"], 0) + row["impressions"]
    found = []
    for (day, segment), counts in sorted(shown.items()):
        engine = _engine(decided[day], segment)
        total = sum(counts.values())
        if not engine or not total:
            continue
        for arm in sorted({*counts, *engine}):
            n = counts.get(arm, 0)
            found.append(ArmDay(day, segment, arm, n, n / total, engine.get(arm, 0.0)))
    return found


def _engine(night: ShadowNight, segment: str) -> dict[str, float]:
    return {arm: belief.share for (s, arm), belief in night.shares.items() if s == segment}


def _valued(
    rows: Sequence[Mapping[str, Any]],
    decided: Mapping[date, ShadowNight],
    measure: str,
    settings: PlanSettings,
    level: float,
) -> list[Valued]:
    """One value per licence, the strongest first."""
    lever: dict[str, Lever] = {row["placement"]: row["lever"] or "switch" for row in rows}
    found = []
    licences: tuple[Licence, ...] = ("randomised", "budgeted", "platform-chosen")
    for licence in licences:
        placements = sorted(p for p, name in lever.items() if LICENCE_OF[name] == licence)
        grids = [
            g for p in placements for g in _grids([r for r in rows if r["placement"] == p], decided, measure)
        ]
        if grids:
            found.append(_one(licence, placements, grids, measure, settings, level))
    return found


@dataclass(frozen=True)
class _Grid:
    block: Block
    intended: Floats | None


def _one(
    licence: Licence,
    placements: Sequence[str],
    grids: Sequence[_Grid],
    measure: str,
    settings: PlanSettings,
    level: float,
) -> Valued:
    blocks, money = [g.block for g in grids], measure == "revenue_micros"
    impressions = sum(float(b.n.sum()) for b in blocks)
    strayed = _strayed(grids)
    allowed = FOLLOWED + sum(np.sqrt(b.n.shape[1] * b.n.sum()) for b in blocks) / impressions
    downgraded = licence == "randomised" and strayed is not None and bool(strayed > allowed)
    if licence == "platform-chosen":
        value = None
    else:
        value = mix_value(blocks, money=money, binomial=measure == "clicks", level=level)
    moved = sum(float(np.abs(b.n.sum(axis=1, keepdims=True) * b.target - b.n).sum()) / 2 for b in blocks)
    tests = {
        name: nights_of_test(
            blocks, GAIN_TO_TELL, part or settings.holdout or USUAL_HOLDOUT, money=money, level=level
        )
        for name, part in PARTS.items()
    }
    known = all(g.intended is not None for g in grids)
    return Valued(
        "budgeted" if downgraded else licence, tuple(placements), value, int(impressions), moved / impressions,
        strayed, downgraded, "intended" if known else "delivered", tests,
    )  # fmt: skip


def _strayed(grids: Sequence[_Grid]) -> float | None:
    """Part of the impressions that went elsewhere than intended, summed over days first, so that chance cancels."""
    known = [(g.block.n, g.intended) for g in grids if g.intended is not None]
    if not known:
        return None
    away = sum(
        float(np.abs(n.sum(axis=0) - (n.sum(axis=1, keepdims=True) * p).sum(axis=0)).sum()) / 2
        for n, p in known
    )
    return away / sum(float(n.sum()) for n, _ in known)


def _grids(
    rows: Sequence[Mapping[str, Any]], decided: Mapping[date, ShadowNight], measure: str
) -> list[_Grid]:
    """The segments of one placement, days that had impressions and a decision."""
    by_segment: dict[str, dict[date, dict[str, Mapping[str, Any]]]] = {}
    for row in rows:
        if _engine(decided[row["day"]], row["segment"]):
            by_segment.setdefault(row["segment"], {}).setdefault(row["day"], {})[row["arm_id"]] = row
    found = []
    for segment, by_day in by_segment.items():
        days = [d for d in sorted(by_day) if sum(r["impressions"] for r in by_day[d].values()) > 0]
        if days:
            found.append(_grid(segment, {d: by_day[d] for d in days}, decided, measure))
    return found


def _grid(
    segment: str,
    by_day: Mapping[date, Mapping[str, Mapping[str, Any]]],
    decided: Mapping[date, ShadowNight],
    measure: str,
) -> _Grid:
    keys: dict[Key, None] = {}
    for day, rows in by_day.items():
        keys |= dict.fromkeys((segment, arm) for arm in (*rows, *_engine(decided[day], segment)))
    place = {arm: i for i, (_, arm) in enumerate(keys)}
    shape = (len(by_day), len(place))
    n, y, events, target, intended = (np.zeros(shape) for _ in range(5))
    for t, (day, rows) in enumerate(by_day.items()):
        for arm, share in _engine(decided[day], segment).items():
            target[t, place[arm]] = share
        for arm, row in rows.items():
            at = t, place[arm]
            n[at], y[at] = row["impressions"], row[measure] or 0
            counted = row["conversions"] if measure == "revenue_micros" else row[measure]
            events[at] = counted if counted is not None else row["clicks"]
            intended[at] = np.nan if row["intended_share"] is None else row["intended_share"]
    target /= target.sum(axis=1, keepdims=True)
    logged = n / n.sum(axis=1, keepdims=True)
    # Where an arm was shown that nothing intended, the intended shares are not the propensities of that day.
    usable = (
        np.isfinite(intended).all() and ((intended > 0) | (n == 0)).all() and (intended.sum(axis=1) > 0).all()
    )
    told = intended / intended.sum(axis=1, keepdims=True) if usable else None
    days = np.array([d.toordinal() for d in by_day], dtype=np.int64)
    return _Grid(Block(days, n, y, events, target, logged if told is None else told), told)
