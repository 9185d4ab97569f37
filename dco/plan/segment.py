"""One segment's night: who stays, who rests, who goes, and how the impressions are shared."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from dco.bandits.beliefs import Outlook
from dco.bandits.constraints import limit_step, reachable_lower, with_floor, with_holdout
from dco.plan.ahead import sentence, shares_ahead
from dco.plan.recipe import SPEEDS
from dco.records import PlanSettings
from dco.stats.best import p_best_normal

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LEAST_OPTIMISED = 3
"""Arms that keep learning in a segment, whatever happens."""
YOUNGEST_DAYS = 2
"""No arm is judged on fewer days of data."""
NEGLIGIBLE = 0.05
"""P(best) below which an arm may go ..."""
BEHIND = 0.10
"""... if moreover it beats the leader with at most this probability."""


@dataclass
class Split:
    """The decision of one segment; arrays are [arm] in the order given."""

    share: Floats
    control_share: Floats
    p_best: Floats
    retired: Bools  # leave tonight
    resting: Bools  # starting arms that only the holdout still serves
    control: Bools  # starting arms, which keep their places
    why: list[str] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)


def contrast_sd(cov: Floats) -> Floats:
    """sd of each arm's log rate about what all arms of the segment have in common (the mean covariance).

    Arms share the level's error, which decides nothing about their order; equicorrelated arms become exactly independent.
    """
    k = len(cov)
    if k == 1:
        return np.sqrt(np.diag(cov))
    common = (cov.sum() - np.trace(cov)) / (k * (k - 1))
    return np.asarray(np.sqrt(np.maximum(np.diag(cov) - common, 1e-10)))


def behind_leader(mean: Floats, cov: Floats, leader: int) -> Floats:
    """P(arm > leader) from the joint posterior, float[arm]; the leader itself has 0.5."""
    var = np.diag(cov) + cov[leader, leader] - 2 * cov[:, leader]
    return np.asarray(ndtr((mean - mean[leader]) / np.sqrt(np.maximum(var, 1e-12))))


def split(
    mean: Floats,
    cov: Floats,
    weights: Floats | None,
    control: Bools,
    days: Ints,
    previous: Floats,
    settings: PlanSettings,
    names: list[str],
    *,
    kept: Floats | None = None,
    ahead: Outlook | None = None,
    explored: float = 1.0,
) -> Split:
    """Shares of one segment.

    Args:
        mean, cov: posterior of the arms' log value rates; weights: the policy's shares (None: P(best) of the posterior,
            sharpened for what is left to earn where `ahead` says it, see `plan/ahead.py`).
        control: starting arms kept by the holdout; days: days with data; previous: yesterday's shares (0: none).
        kept: float[arm], what the best of all would lose without each (`plan/places.py`), wanted where more are live than may
            be: the least missed go.
        explored: part of the shares that goes by the policy's chances whatever `ahead` says.
    """
    k = len(mean)
    known = bool((days > 0).any())
    sd, effort = contrast_sd(cov), SPEEDS[settings.speed]
    p_best = p_best_normal(mean, sd, effort.best_cells) if known else np.full(k, 1.0 / k)
    holdout = settings.holdout if control.any() else 0.0
    found = Split(np.zeros(k), np.zeros(k), p_best, np.zeros(k, bool), np.zeros(k, bool), control)
    out = _losers(mean, cov, p_best, days, found, names) if known else np.zeros(k, bool)
    if kept is not None:
        surplus = k - int((out & ~control).sum()) - settings.max_live
        out |= _surplus(kept, days, control | out, surplus, found, p_best)
    out |= _crowded(mean, out, settings, found, names)
    stay = ~out
    w = np.zeros(k)
    if weights is not None:
        w[stay] = weights[stay] / weights[stay].sum() if weights[stay].sum() > 0 else 1.0 / stay.sum()
    elif not known:
        w[stay] = 1.0 / stay.sum()
    else:
        chance = p_best if stay.all() else p_best_normal(mean[stay], sd[stay], effort.best_cells)
        w[stay] = chance
        if ahead is not None:
            w[stay] = explored * chance + (1 - explored) * shares_ahead(chance, mean[stay], sd[stay], ahead)
        if ahead is not None and (text := sentence(w[stay], chance, ahead)):
            found.why.append(text)
    w[stay] = with_floor(w[stay] / w[stay].sum(), settings.floor)
    target, control_share = with_holdout(w / w.sum(), control, holdout)
    lower = np.where(stay, (1 - holdout) * settings.floor, 0.0) + control_share
    share = limit_step(previous, target, settings.step, lower)
    share = _hand_over(share, previous, out, control_share, settings.step)
    if previous.sum() > 0 and (reachable_lower(previous, settings.step, lower) < lower - 1e-9).any():
        found.why.append(
            f"the step of {settings.step:.0%} a night leaves new arms less than the floor of {settings.floor:.1%} tonight"
        )
    gone = out & ~control & (share <= 1e-9)
    found.retired = gone
    found.resting = out & control
    late = out & ~control & ~gone
    if late.any():
        found.why.append(
            f"{int(late.sum())} of the arms to retire keep a share tonight, because no share may move by more than "
            f"{settings.step:.0%} a night"
        )
    share = np.where(gone, 0.0, share)
    found.share, found.control_share = share / share.sum(), control_share
    return found


def _hand_over(share: Floats, previous: Floats, out: Bools, keep: Floats, step: float) -> Floats:
    """What a capped leader cannot take tonight goes to the arms that stay, and not to those that leave.

    The nearest shares to the target (`limit_step`) spread it over all arms; arms that may fall to `keep` within the step
    do, as long as the others have room within theirs.
    """
    total = float(previous.sum())
    if total <= 0 or not out.any() or out.all():
        return share
    start = previous / total
    spare = np.where(out & (start - keep <= step), np.maximum(share - keep, 0.0), 0.0)
    room = np.where(out, 0.0, np.maximum(np.minimum(start + step, 1.0) - share, 0.0))
    if spare.sum() <= 0 or room.sum() < spare.sum():
        return share
    return share - spare + room * (spare.sum() / room.sum())


def _losers(mean: Floats, cov: Floats, p_best: Floats, days: Ints, found: Split, names: list[str]) -> Bools:
    """Arms with a negligible chance of being best that almost surely lose to the leader; worst first, never the last ones."""
    k = len(mean)
    leader = int(np.argmax(mean))
    beats = behind_leader(mean, cov, leader)
    out = np.zeros(k, bool)
    for i in np.argsort(mean, kind="stable"):
        if k - out.sum() <= LEAST_OPTIMISED:
            break
        if i != leader and days[i] >= YOUNGEST_DAYS and p_best[i] < NEGLIGIBLE and beats[i] < BEHIND:
            out[i] = True
            found.reasons[int(i)] = (
                f"P(best) {p_best[i]:.3f}; earns {-np.expm1(mean[i] - mean[leader]):.0%} less than the leader {names[leader]} "
                f"and beats it with probability {beats[i]:.3f}, after {int(days[i])} days of data"
            )
    return out


def _surplus(kept: Floats, days: Ints, stay: Bools, n: int, found: Split, p_best: Floats) -> Bools:
    """The `n` arms that are missed least, of those that may go (not in `stay`); young ones only where no others are left."""
    out = np.zeros(len(kept), bool)
    may = np.flatnonzero(~stay)
    for i in may[np.lexsort((kept[may], days[may] < YOUNGEST_DAYS))][: max(n, 0)]:
        out[i] = True
        found.reasons[int(i)] = (
            f"makes room for newer ones: of all live arms it is missed least (without it the best would be worth {kept[i]:.2%} "
            f"less); P(best) {p_best[i]:.3f} after {int(days[i])} days of data"
        )
    return out


def _crowded(mean: Floats, out: Bools, settings: PlanSettings, found: Split, names: list[str]) -> Bools:
    """Where K x floor > 1, the arms of least value go first."""
    cut = np.zeros(len(mean), bool)
    room = int(1.0 / settings.floor + 1e-9) if settings.floor > 0 else len(mean)
    stay = np.flatnonzero(~out)
    surplus = len(stay) - room
    if surplus > 0:
        for i in stay[np.argsort(mean[stay], kind="stable")][:surplus]:
            cut[i] = True
            found.reasons[int(i)] = (
                f"{len(stay)} arms x floor {settings.floor:.1%} exceed all impressions; this one is among the {surplus} of least value"
            )
        found.why.append(
            f"{len(stay)} live arms x a floor of {settings.floor:.1%} exceed 100 %, so the {surplus} of least value are cut"
        )
    return cut
