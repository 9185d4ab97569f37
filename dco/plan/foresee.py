"""What a night says in advance, in a form that later reports can judge: rates, winners, gains, wear.

Shares move while a week goes by: its forecasts take the mean of tonight's shares and of the chances of being best, which
they are on their way to. All forecasts are about what will be counted, so their intervals hold everything that moves a count: the posterior, the
day (by how far the days so far lay from their last week's mean), the scatter beyond Poisson, and chance. Counts are taken
as Gamma distributed with that mean and variance, which stays above 0 where events are few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, gammaincinv

from dco.elements.fatigue import CHANCES, Fatigue, Wear, fatigue
from dco.elements.model import Fit
from dco.elements.numbering import dense
from dco.elements.wear import wear_offset
from dco.plan.explain import against_mix
from dco.plan.reading import Known
from dco.plan.result import Basis

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ENDS = ("low", "mid", "high")
"""The 10th, 50th and 90th percentile: an 80 % interval. Of gains `mid` is the mean, because it is what is earned."""
WEEK = 7
WEAR_AHEAD_DAYS = 14
CLICKS_SETTLE_DAYS = 2
"""Days after which clicks are hardly restated (invalid traffic is taken back)."""
LEAST_EVENTS = 10.0
"""Expected events of a week below which an arm's week is decided by chance alone and is not forecast."""
DAY_SD, DAY_WEIGHT = 0.12, 3.0
"""A day's distance from its last week's mean beforehand, as if seen on that many days."""
RECENT_DAYS = 7


class Said(NamedTuple):
    """One number. `name` is kind.end.measure: 'day.low.clicks', 'beats.p.clicks', 'gain.mid.clicks', 'loss.high.clicks'.

    day: value events per impression of a segment on the night's day. beats: whether an arm earns more than the rest of
    its segment in the week from that day. gain: by how much a new arm does. loss: the fraction lost to wear by `due`.
    """

    subject: str  # segment, or segment/arm id
    name: str
    value: float
    due: date


def forecasts(
    basis: Basis, shares: Sequence[Mapping[str, Any]], wear: Wear, *, day: date, settle: int
) -> list[Said]:
    """Everything that tonight says; `day` is the first day on which `shares` are served.

    Args:
        settle: days until conversions count as settled; clicks take `CLICKS_SETTLE_DAYS`.
    """
    model, known = basis.model, basis.known
    if not known.history.clicks.sum():
        return []
    measure = model.stages[-1]
    settle = CLICKS_SETTLE_DAYS if measure == "clicks" else settle
    out: list[Said] = []
    for s, segment in enumerate(model.alphabet.segments):
        rows = [r for r in shares if r["segment"] == segment and r["share"] > 0]
        at = np.array([known.row[(segment, r["arm_id"])] for r in rows], dtype=np.int64)
        shown = _daily(model, s)
        if not rows or shown <= 0:
            continue
        share = np.array([r["share"] for r in rows])
        chance = np.array([r["p_best"] or 0.0 for r in rows])
        week = (share + chance / chance.sum()) / 2 if chance.sum() > 0 else share
        mean, cov = model.moments(s, known.history.codes[at], at)
        ends = _day(model, s, mean, cov, share, shown)
        due = day + timedelta(days=1 + settle)
        out += [Said(segment, f"day.{end}.{measure}", v, due) for end, v in zip(ENDS, ends)]
        due = day + timedelta(days=WEEK + settle)
        for i, row in enumerate(rows):
            name = f"{segment}/{row['arm_id']}"
            out += _week(
                model, s, mean, cov, week, shown, i, name, measure, due, bool(known.days_served[at[i]])
            )
            out += _wear(model, wear, int(at[i]), name, measure, day)
    return out


def _daily(model: Fit, s: int) -> float:
    """Impressions a day of late."""
    h = model.history
    recent = (h.segment[h.arm] == s) & (h.day > h.day.max(initial=0) - RECENT_DAYS)
    return float(h.impressions[recent].sum()) / max(len(np.unique(h.day[recent])), 1)


def _noise(model: Fit, log_rate: float, shown: float, days: int = 1) -> float:
    """Relative variance of a count of `shown` impressions in so many days by chance alone: of the clicks, and of what comes of
    them, with what moves an arm from day to day."""
    h = model.history
    per_impression = float(h.clicks.sum()) / max(float(h.impressions.sum()), 1.0)
    moves = sum(rate.kappa for rate in model.rates) / days
    if len(model.rates) == 1:
        return moves + model.rates[0].dispersion / max(shown * np.exp(log_rate), 1e-9)
    events = shown * np.exp(log_rate) / model.unit_value
    clicks = model.rates[0].dispersion / max(shown * per_impression, 1e-9)
    return moves + clicks + model.rates[-1].dispersion / max(float(events), 1e-9)


def _gamma(variance: float) -> float:
    """Shape of a Gamma of mean 1."""
    return 1.0 / max(variance, 1e-9)


def day_error(model: Fit, s: int) -> float:
    """Variance of a day's log effect about the mean of the seven days before it, in one segment."""
    h = model.history
    n_days = int(h.day.max()) + 1
    key = h.segment[h.arm] * n_days + h.day
    group, days = dense(key), np.unique(key)
    mine = days // n_days == s
    effect = np.sum([r.days[: int(group.max()) + 1] for r in model.rates], axis=0)[mine]
    errors = [effect[t] - effect[t - RECENT_DAYS : t].mean() for t in range(RECENT_DAYS, len(effect))]
    n = len(errors) + DAY_WEIGHT
    # As wide as Student's t: a variance that is known from few days is not known.
    return float((np.square(errors).sum() + DAY_WEIGHT * DAY_SD**2) / n * (n + 2) / n)


def _day(model: Fit, s: int, mean: Floats, cov: Floats, share: Floats, shown: float) -> tuple[float, ...]:
    """The segment's rate on the day ahead, 80 % interval and median."""
    worth = share * np.exp(mean)
    weight = worth / worth.sum()
    centre = float(np.log(worth.sum()))
    shape = _gamma(float(weight @ cov @ weight) + day_error(model, s) + _noise(model, centre, shown))
    found = np.exp(centre) * gammaincinv(shape, np.array(CHANCES)) / shape
    event = model.unit_value / shown
    low = 0.0 if found[0] < event else float(found[0])  # of fewer than one event, none may come
    return low, float(found[1]), float(found[2])


def _week(
    model: Fit, s: int, mean: Floats, cov: Floats, share: Floats, shown: float, i: int, name: str,
    measure: str, due: date, served: bool,
) -> list[Said]:  # fmt: skip
    """Whether an arm beats the rest of its segment in the week ahead, on the shares of its middle; for one that was never served also by how much."""
    rest = np.delete(share, i)
    if len(share) < 2 or rest.sum() <= 0:
        return []
    others = np.zeros(len(share))
    others[np.arange(len(share)) != i] = rest / rest.sum()
    ahead, sd = against_mix(mean, cov, others)
    average = mean[i] - ahead[i]
    events = WEEK * shown * share[i] * np.exp(mean[i]) / model.unit_value
    if events < LEAST_EVENTS:
        return []
    chance = _noise(model, float(mean[i]), WEEK * shown * float(share[i]), WEEK)
    chance += _noise(model, float(average), WEEK * shown * float(rest.sum()), WEEK)
    ratio = float(np.exp(ahead[i] + sd[i] ** 2 / 2))
    shape = _gamma(float(np.expm1(sd[i] ** 2)) + chance)
    found = [Said(name, f"beats.p.{measure}", float(gammaincc(shape, shape / ratio)), due)]
    if not served:
        low, _, high = ratio * gammaincinv(shape, np.array(CHANCES)) / shape - 1.0
        ends = zip(ENDS, (float(low), ratio - 1.0, float(high)))
        found += [Said(name, f"gain.{end}.{measure}", v, due) for end, v in ends]
    return found


def _wear(model: Fit, wear: Wear, arm: int, name: str, measure: str, day: date) -> list[Said]:
    age = float(model.age_today[arm])
    if age <= 0:
        return []
    due = day + timedelta(days=WEAR_AHEAD_DAYS)
    return [
        Said(name, f"loss.{end}.{measure}", wear.loss(arm, age + WEAR_AHEAD_DAYS, p), due)
        for end, p in zip(ENDS, CHANCES)
    ]


def tiredness(
    basis: Basis, shares: Sequence[Mapping[str, Any]], wear: Wear
) -> list[tuple[str, str, Fatigue]]:
    """(segment, arm id, what wear has done and will do) of every arm that gets a share."""
    model, known = basis.model, basis.known
    if not known.history.clicks.sum():
        return []
    out = []
    for s, segment in enumerate(model.alphabet.segments):
        rows = [r for r in shares if r["segment"] == segment and r["share"] > 0]
        at = np.array([known.row[(segment, r["arm_id"])] for r in rows], dtype=np.int64)
        keep = known.days_served[at] > 0 if len(at) else np.zeros(0, bool)
        if not keep.any():
            continue
        share = np.array([r["share"] for r in rows])
        mean, cov = model.moments(s, known.history.codes[at], at)
        over, over_sd = against_mix(mean, cov, share / share.sum())
        fresh, fresh_sd = _fresh(model, known, s, at)
        found = fatigue(model, wear, at[keep], over[keep], over_sd[keep], fresh[keep], fresh_sd[keep])
        names = [r["arm_id"] for r, k in zip(rows, keep) if k]
        out += [(segment, name, one) for name, one in zip(names, found)]
    return out


def _fresh(model: Fit, known: Known, s: int, at: Ints) -> tuple[Floats, Floats]:
    """Log of each arm's rate without wear over the average creative that the segment ever served, and its sd."""
    ever = np.flatnonzero((known.history.segment == s) & (known.days_served > 0))
    rows = np.union1d(at, ever)
    mean, cov = model.moments(s, known.history.codes[rows], rows)
    for rate in model.rates:
        mean = mean - wear_offset(rate.wear, model.age_today[rows])
    weight = np.isin(rows, ever) / len(ever)
    common = cov @ weight
    var = np.diag(cov) - 2 * common + weight @ common
    place = np.searchsorted(rows, at)
    return (mean - float(weight @ mean))[place], np.sqrt(np.maximum(var, 1e-12))[place]
