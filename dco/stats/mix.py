"""What another split of the same days' impressions would have earned, from counts by arm and day.

With N_t the impressions of a day, r the arms' rates of that day, d the shares delivered and w those of the other split:

    direct   E = sum_t N_t sum_k w_tk r_tk     against     L = sum_t N_t sum_k d_tk r_tk = what was earned

Both are valued by the same rates of the same day, so drift and weekdays cancel; w_t must have been decided before day t.
The variance is the influence of each arm-day's rate, N_t (w / E - d / L) on log E / L, times what a rate varies by counting
and by tau^2 from day to day (`two_way`). Beside it the estimators of `off_policy_counts`, of which IPS with d for the
propensities is the direct estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dco.errors import BadData
from dco.stats.intervals import z_of
from dco.stats.off_policy import LEAST_ESS
from dco.stats.off_policy_counts import Block, Check, checks
from dco.stats.two_way import TwoWay, two_way

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_SUPPORT = 0.95
"""Part of the other split that must lie on arm-days that were really shown; what is left was seen by nobody."""
POWER_Z = 0.8416212335729143
"""Normal quantile of a power of 80 %."""


@dataclass(frozen=True)
class MixValue:
    """Gain of the other split over what was earned: 0.10 = +10 %. The shares of both are taken as given."""

    gain: float
    low: float
    high: float
    level: float
    earned: float
    """In the unit of the reward."""
    would: float
    days: tuple[int, ...]
    cumulated: tuple[float, ...]
    """Difference up to and with each day, in the unit of the reward."""
    cumulated_low: tuple[float, ...]
    cumulated_high: tuple[float, ...]
    """The band holds at each day by itself."""
    checks: dict[str, Check]
    """'ips', 'snips' and 'dr'; empty where there are fewer than three segment-days."""
    impressions: float
    ess: float
    """Kish's effective number of impressions, of days on which there was something to split."""
    rewarded: float
    """Effective number of rewarded impressions, (sum v y)^2 / sum v^2 y, v the weight: what the estimate rests on."""
    support: float
    """Part of the other split on arm-days that were shown, of the same days."""
    extra_sd: float
    """Relative sd of an arm's rate from day to day beyond counting noise, as estimated and put into the interval."""
    flip: float
    """Factor by which the audiences of moved impressions must differ, against the other split on both sides, for the sign
    of the difference to turn; see `_flip`."""
    flip_sure: float
    """The same for the end of the interval that is nearer to no difference; below 1 the interval holds no difference."""
    doubt: str
    """Why there is no verdict; empty where there is one."""

    @property
    def half(self) -> float:
        """Half width of the interval of the log ratio."""
        return float(np.log1p(self.high) - np.log1p(self.low)) / 2


def mix_value(
    blocks: Sequence[Block], *, money: bool = False, binomial: bool = True, level: float = 0.95
) -> MixValue:
    """Value the target shares of all blocks together.

    Args:
        money: rewards are amounts: all of their variance comes from the residuals. binomial: at most one event an impression.

    Raises:
        BadData: no day, shares that do not sum to 1, or a day without impressions.
    """
    _check(blocks)
    parts = [_Part(b, two_way(b.n, b.y, binomial=binomial and not money)) for b in blocks]
    scale, extra, freedom = _noise(parts, money)
    z = z_of(level, freedom if freedom > 0 else None)
    would = sum(float((p.size[:, None] * p.block.target * p.rate).sum()) for p in parts)
    earned = sum(float(p.block.y.sum()) for p in parts)
    impressions = sum(float(p.size.sum()) for p in parts)
    spread = [p.variance(scale, extra, binomial and not money) for p in parts]
    ess, rewarded = _effective(parts)
    shown, wanted = (sum(column) for column in zip(*(p.support for p in parts)))
    support = shown / wanted if wanted > 0 else 1.0
    doubt = _doubt(earned, would, ess, rewarded, support, freedom)
    gain, low, high = 0.0, -1.0, float("inf")
    if earned > 0 and would > 0:
        variance = sum(
            float((np.square(p.size[:, None] * (p.block.target / would - p.delivered / earned)) * v).sum())
            for p, v in zip(parts, spread, strict=True)
        )
        centre, half = float(np.log(would / earned)), z * float(np.sqrt(variance))
        gain, low, high = (float(np.expm1(x)) for x in (centre, centre - half, centre + half))
    days, total, band = _cumulated(parts, spread, z)
    flip, sure = _flip(parts, spread, z)
    return MixValue(
        gain, low, high, level, earned, would, tuple(days.tolist()), tuple(total.tolist()),
        tuple((total - band).tolist()), tuple((total + band).tolist()), checks(blocks, earned, level),
        impressions, ess, rewarded, support, float(np.sqrt(extra)), flip, sure, doubt,
    )  # fmt: skip


def nights_to_tell(value: MixValue) -> int | None:
    """Nights like these after which a gain as the one seen would be told from none; None where none was seen."""
    if abs(value.gain) < 1e-6 or not np.isfinite(value.half):
        return None
    return int(np.ceil(len(value.days) * (value.half / np.log1p(value.gain)) ** 2))


def nights_of_test(
    blocks: Sequence[Block], gain: float, part: float, *, money: bool = False, level: float = 0.95
) -> int | None:
    """Nights after which a split drawn at random, `part` of it held back, tells a gain from none with a power of 80 %.

    Two independent parts of the traffic, each of Y events a night spread as in these blocks: the log ratio varies by
    phi (1 / (part Y) + 1 / ((1 - part) Y)) a night, phi = 1 + tau^2 times the events of an arm-day. Parts that show the
    same ads vary less, so that fewer nights may do. None without events.
    """
    _check(blocks)
    parts = [_Part(b, two_way(b.n, b.y, binomial=False)) for b in blocks]
    scale, extra, _ = _noise(parts, money)
    earned, events = sum(float(b.y.sum()) for b in blocks), sum(float(b.events.sum()) for b in blocks)
    nights = len({int(d) for b in blocks for d in b.day})
    shown = sum(int((b.n > 0).sum()) for b in blocks)
    if not (earned > 0 and events > 0):
        return None
    per_night = earned / nights
    phi = scale if money else 1 + extra * events / shown
    variance = phi / per_night * (1 / part + 1 / (1 - part))
    return max(int(np.ceil((z_of(level) + POWER_Z) ** 2 * variance / np.log1p(gain) ** 2)), 1)


class _Part(NamedTuple):
    block: Block
    model: TwoWay

    @property
    def size(self) -> Floats:
        return np.asarray(self.block.n.sum(axis=1))

    @property
    def delivered(self) -> Floats:
        return np.asarray(self.block.n / self.block.n.sum(axis=1, keepdims=True))

    @property
    def rate(self) -> Floats:
        """Each arm's rate of the day; the fit stands in where an arm was not shown (see `support`)."""
        b = self.block
        return np.where(b.n > 0, b.y / np.maximum(b.n, 1), self.model.rate)

    @property
    def contested(self) -> Floats:
        """float[day, 1]: 1 where two arms share the day. A day of one arm is the same under any split and teaches nothing."""
        there = (self.block.n > 0) | (self.block.target > 0)
        return np.asarray(there.sum(axis=1, keepdims=True) > 1, dtype=float)

    @property
    def support(self) -> tuple[float, float]:
        """(impressions of the other split on arm-days that were shown, all of them), contested days only."""
        wanted = self.size[:, None] * self.block.target * self.contested
        return float((wanted * (self.block.n > 0)).sum()), float(wanted.sum())

    def variance(self, scale: float, extra: float, binomial: bool) -> Floats:
        """float[day, arm]: variance of each arm-day's rate."""
        q = self.model.rate
        counted = q * (1 - q if binomial else 1.0) * scale / np.maximum(self.block.n, 1)
        return np.asarray(counted + np.square(q) * extra)


def _check(blocks: Sequence[Block]) -> None:
    if not blocks or not all(len(b.day) for b in blocks):
        raise BadData("blocks: expected at least one day, got none")
    for b in blocks:
        if not (b.n.sum(axis=1) > 0).all():
            raise BadData("blocks: expected impressions on every day, got a day without any")
        for name, shares in (("target", b.target), ("logged", b.logged)):
            if (shares < 0).any() or (np.abs(shares.sum(axis=1) - 1) > 1e-6).any():
                raise BadData(f"blocks, {name}: expected shares >= 0 that sum to 1 on every day")


def _noise(parts: list[_Part], money: bool) -> tuple[float, float, int]:
    """(scale of the counting variance, tau^2, degrees of freedom), pooled over blocks; as in `gain`."""
    freedom = sum(p.model.freedom for p in parts)
    if freedom == 0:
        return 1.0, 0.0, 0
    if money:
        chi2 = 0.0
        for p in parts:
            expected = p.block.n * p.model.rate
            chi2 += float(
                (np.square(p.block.y - expected) / np.maximum(expected, 1e-300))[p.block.n > 0].sum()
            )
        return chi2 / freedom, 0.0, freedom
    return 1.0, sum(p.model.extra * p.model.freedom for p in parts) / freedom, freedom


def _effective(parts: list[_Part]) -> tuple[float, float]:
    """Effective impressions and effective rewarded impressions of the weights w / d, on contested days."""
    sums = np.zeros(4)
    for p in parts:
        v = np.where(p.block.n > 0, p.block.target / np.maximum(p.delivered, 1e-300), 0.0) * p.contested
        for i, count in ((0, p.block.n), (2, p.block.events)):
            sums[i] += float((v * count).sum())
            sums[i + 1] += float((np.square(v) * count).sum())
    return tuple(float(s**2 / q) if q > 0 else 0.0 for s, q in (sums[:2], sums[2:]))  # type: ignore[return-value]


def _doubt(earned: float, would: float, ess: float, rewarded: float, support: float, freedom: int) -> str:
    """The first reason for which there is no verdict, or nothing."""
    if ess == 0 and support == 1:
        return "no audience had two ads on one day, so there was nothing to split"
    if not (earned > 0 and would > 0):
        return "nothing was earned by the ads that it would have shown"
    if support < LEAST_SUPPORT:
        return (
            f"{1 - support:.0%} of its impressions would have gone to ads on days on which they were not shown "
            f"(at most {1 - LEAST_SUPPORT:.0%} may)"
        )
    if min(ess, rewarded) < LEAST_ESS:
        return (
            f"the results are worth {min(ess, rewarded):.0f} rewarded impressions of its own split "
            f"(at least {LEAST_ESS:.0f} are needed)"
        )
    if freedom == 0:
        return "no audience had two ads on two days, so how much a rate moves from day to day is not known"
    return ""


def _cumulated(parts: list[_Part], spread: list[Floats], z: float) -> tuple[Ints, Floats, Floats]:
    """(days, difference up to each day, half width of its interval)."""
    days = np.unique(np.concatenate([p.block.day for p in parts]))
    more, variance = np.zeros(len(days)), np.zeros(len(days))
    for p, v in zip(parts, spread, strict=True):
        at = np.searchsorted(days, p.block.day)
        moved = p.size[:, None] * (p.block.target - p.delivered)
        np.add.at(more, at, (moved * p.rate).sum(axis=1))
        np.add.at(variance, at, (np.square(moved) * v).sum(axis=1))
    return days, more.cumsum(), z * np.sqrt(variance.cumsum())


def _flip(parts: list[_Part], spread: list[Floats], z: float) -> tuple[float, float]:
    """How large a hidden difference of audiences would turn the sign.

    Only moved impressions are in doubt: A = sum N (w - d)+ r is what they would earn where they go, B = sum N (d - w)+ r
    what they earn where they are. If the platform showed each ad to people who answer it better or worse by at most a
    factor g than those it would have met under the other split, A may be off by 1 / g .. g and B likewise, and the sign
    turns at g = sqrt(A / B) (of A and B the greater above).
    """
    a = b = variance_a = variance_b = 0.0
    for p, v in zip(parts, spread, strict=True):
        moved = p.size[:, None] * (p.block.target - p.delivered)
        to, off = np.maximum(moved, 0.0), np.maximum(-moved, 0.0)
        a, b = a + float((to * p.rate).sum()), b + float((off * p.rate).sum())
        variance_a += float((np.square(to) * v).sum())
        variance_b += float((np.square(off) * v).sum())
    if not (a > 0 and b > 0):
        return 1.0, 0.0
    size = abs(float(np.log(a / b)))
    half = z * float(np.sqrt(variance_a / a**2 + variance_b / b**2))
    return float(np.exp(size / 2)), float(np.exp((size - half) / 2))
