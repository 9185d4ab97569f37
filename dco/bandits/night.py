"""One night's problem of money and shares, and its rules by name: floor, holdout, step, spend limits, KPI bounds.

The unknowns are parts of the night's money per line (an arm in a cell); in them every rule is linear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dco.bandits.programme import Rules
from dco.errors import BadData

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KpiName = Literal["cpa_max", "roas_min", "ctr_min"]
NEEDS: Mapping[str, str] = {"cpa_max": "conversions", "roas_min": "revenue", "ctr_min": "clicks"}
"""KPI bound -> what it counts per impression."""
WORDS: Mapping[str, str] = {
    "cpa_max": "a cost per conversion of at most",
    "roas_min": "revenue per money spent of at least",
    "ctr_min": "a click rate of at least",
}
MARGIN = 1e-9
"""Ratios are kept by this much more than asked, so that rounding does not break them."""
SMALLEST = 1e-3
"""Least weight of a cell in the distance, as a part of all money: a cell without money has a split too."""


@dataclass(frozen=True)
class Limit:
    """Least and most money of some cells together, in money; `name` is how the settings call it."""

    name: str
    cells: tuple[int, ...]
    low: float = 0.0
    high: float = np.inf
    parts: tuple[float, ...] | None = None
    """What part of each cell's money counts (None: all): a placement's part of a segment."""


@dataclass(frozen=True)
class Night:
    """One night's problem. Arrays are [line], a line being an arm in a cell, or [cell]. Money is in one currency's units.

    Shares are fractions of a cell's impressions. `rates` are posterior means per impression, by 'value', 'clicks',
    'conversions' or 'revenue'; only what a rule needs has to be there.
    """

    cells: tuple[str, ...]
    arms: tuple[str, ...]  # [line]
    cell: Ints  # [line]
    wanted: Floats  # [line] the policy's shares, summing to 1 per cell
    money: Floats  # [cell] wanted money; its sum is what is spent tonight
    cost: Floats  # [line] money per impression
    lower: Floats | None = None  # [line] least share: floor, holdout, what the step allows
    upper: Floats | None = None  # [line] largest share
    cell_low: Floats | None = None  # [cell] least and most money, whatever else is asked: how far it may move
    cell_high: Floats | None = None
    traffic: Floats | None = None  # [cell] impressions that can be had (inf: not known)
    limits: tuple[Limit, ...] = ()
    least: Floats | None = None  # [line] minimum spend
    kpis: tuple[tuple[KpiName, float], ...] = ()
    rates: Mapping[str, Floats] = field(default_factory=dict)
    cov: Floats | None = None  # [line, line] posterior covariance of rates['value']
    risk: float = 0.0

    @property
    def total(self) -> float:
        return float(self.money.sum())


@dataclass(frozen=True)
class Rule:
    """A named rule on x, the parts of the night's money; `bound` is the user's number and `measure` what a split has of it."""

    name: str
    tier: int  # 0: holds whatever else; 1: money that was asked for; 2: a KPI
    rules: Rules
    text: str
    bound: float | None = None
    measure: Callable[[Floats], float] | None = None


def rules_of(night: Night) -> list[Rule]:
    """Every rule of the night by name, on x = money per line / money of the night."""
    n, total = len(night.cell), night.total
    inside = (night.cell == np.arange(len(night.cells))[:, None]).astype(float)  # [cell, line]
    found = [
        Rule("budget", 0, _equal(np.ones((1, n)), np.ones(1)), f"a budget of {total:,.2f}", total, lambda x: total * x.sum())
    ]  # fmt: skip
    if night.lower is not None or night.upper is not None:
        found.append(Rule("shares", 0, _share_rules(night), "floor, holdout and daily step"))
    if night.cell_low is not None or night.cell_high is not None:
        low = np.zeros(len(inside)) if night.cell_low is None else night.cell_low / total
        high = np.full(len(inside), np.inf) if night.cell_high is None else night.cell_high / total
        found.append(Rule("money step", 0, _between(inside, low, high), "the daily step of budgets"))
    if night.traffic is not None:
        rows, bound = inside * (total / night.cost), night.traffic
        at = np.isfinite(bound)
        found.append(Rule("traffic", 0, Rules(rows[at], bound[at]), "the impressions that can be had"))
    for limit in night.limits:
        found += _limit_rules(limit, inside, total)
    if night.least is not None and (night.least > 0).any():
        at, least = night.least > 0, night.least
        found.append(
            Rule(
                "min_spend", 1, Rules(-np.eye(n)[at], -least[at] / total), f"at least {least[at].max():,.2f} for every arm",
                float(least[at].max()), lambda x: float((x[at] * total).min()),
            )
        )  # fmt: skip
    return found + [_kpi_rule(night, name, bound) for name, bound in night.kpis]


def _kpi_rule(night: Night, name: KpiName, bound: float) -> Rule:
    rate = night.rates[NEEDS[name]]
    per_money = rate / night.cost
    if name == "cpa_max":
        row = 1.0 - bound * per_money
    elif name == "roas_min":
        row = bound - per_money
    else:
        row = (bound - rate) / night.cost
    row = row / max(float(np.abs(row).max()), 1e-300)
    return Rule(
        name, 2, Rules(row[None], np.array([-MARGIN])), f"{WORDS[name]} {number(name, bound)}", bound,
        lambda x: kpi_of(name, x * night.total, night.cost, rate),
    )  # fmt: skip


def _limit_rules(limit: Limit, inside: Floats, total: float) -> list[Rule]:
    part = np.ones(len(limit.cells)) if limit.parts is None else np.asarray(limit.parts, float)
    row = part[None] @ inside[list(limit.cells)]
    found = []

    def spent(x: Floats) -> float:
        return total * float(row[0] @ x)

    if limit.low > 0:
        text = f"{limit.name} at least {limit.low:,.2f}"
        found.append(
            Rule(f"{limit.name} min", 1, Rules(-row, np.array([-limit.low / total])), text, limit.low, spent)
        )
    if np.isfinite(limit.high):
        text = f"{limit.name} at most {limit.high:,.2f}"
        found.append(
            Rule(f"{limit.name} max", 1, Rules(row, np.array([limit.high / total])), text, limit.high, spent)
        )
    return found


def _share_rules(night: Night) -> Rules:
    """shown[k] between lower[k] and upper[k] times what its cell shows, in money: shown = money / cost."""
    same = (night.cell[:, None] == night.cell[None, :]).astype(float)
    shown = 1.0 / night.cost
    own = np.diag(shown)
    found = Rules.none(len(shown))
    for bound, sign in ((night.lower, 1.0), (night.upper, -1.0)):
        if bound is not None:
            rows = sign * (bound[:, None] * same * shown - own) * float(night.cost.mean())
            found = found.and_(Rules(rows, np.zeros(len(shown))))
    return found


def _between(rows: Floats, low: Floats, high: Floats) -> Rules:
    down, up = low > 0, np.isfinite(high)
    return Rules(np.concatenate([-rows[down], rows[up]]), np.concatenate([-low[down], high[up]]))


def _equal(rows: Floats, bound: Floats) -> Rules:
    return Rules(np.concatenate([rows, -rows]), np.concatenate([bound, -bound]))


def kpi_of(name: str, money: Floats, cost: Floats, rate: Floats) -> float:
    """What a split has of a KPI bound: cost per conversion, revenue per money, clicks per impression (posterior means)."""
    shown = money / cost
    gained = float((shown * rate).sum())
    if name == "cpa_max":
        return float(money.sum()) / gained if gained > 0 else np.inf
    return gained / float(money.sum() if name == "roas_min" else shown.sum())


def number(name: str, value: float) -> str:
    """A rule's value as people write it."""
    return f"{value:.3%}" if name == "ctr_min" else f"{value:,.2f}"


def checked(night: Night) -> None:
    """Refuses a problem whose arrays do not belong together (BadData)."""
    n, c = len(night.cell), len(night.cells)
    for name in ("wanted", "cost", "lower", "upper", "least"):
        value = getattr(night, name)
        if value is not None and value.shape != (n,):
            raise BadData(
                f"money, {name}: expected one number per arm and cell ({n}), got shape {value.shape}"
            )
    for name in ("money", "cell_low", "cell_high", "traffic"):
        value = getattr(night, name)
        if value is not None and value.shape != (c,):
            raise BadData(f"money, {name}: expected one number per cell ({c}), got shape {value.shape}")
    if not (np.isfinite(night.cost).all() and (night.cost > 0).all()):
        raise BadData(f"money, cost: expected an amount above 0 per impression, got {night.cost.min()!r}")
    if not (np.isfinite(night.money).all() and (night.money >= 0).all() and night.total > 0):
        raise BadData(f"money: expected amounts of at least 0 and some above, got {night.money.tolist()!r}")
    sums = np.bincount(night.cell, night.wanted, c)
    if (night.wanted < 0).any() or (np.abs(sums - 1) > 1e-6).any():
        raise BadData(
            f"money, wanted: expected shares >= 0 that sum to 1 per cell, got sums {sums.tolist()!r}"
        )
    needed = [NEEDS[name] for name, _ in night.kpis] + (["value"] if night.risk > 0 else [])
    for name in needed:
        rate = night.rates.get(name)
        if rate is None or rate.shape != (n,) or not np.isfinite(rate).all() or (rate < 0).any():
            raise BadData(f"money, rates: expected {name!r} per impression, at least 0, for each of {n} arms")
