"""What a policy would have earned, from rounds that another policy decided and whose propensities were logged.

With r the reward, w = pi(a|x) / p the target's probability of the action shown over the logged one, q a reward model and
q(x, pi) = sum_a pi(a|x) q(x, a):

    IPS        mean w r                                        Horvitz & Thompson 1952
    SNIPS      sum w r / sum w                                 Swaminathan & Joachims 2015 (NIPS)
    DM         mean q(x, pi)                                   the reward model alone
    DR         mean q(x, pi) + w (r - q(x, a))                 Dudik, Erhan, Langford & Li 2014 (arXiv 1503.02834)
    SWITCH-DR  DR with w set to 0 where w > tau                Wang, Agarwal & Dudik 2017 (arXiv 1612.01205)

Every estimate has a normal interval, and beside it a finite-sample one that needs no bound on the weights (`betting`).
With an effective sample size below 50 there is no verdict: the data cannot tell, and saying so is the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dco.errors import BadData
from dco.stats.betting import value_interval
from dco.stats.intervals import z_of

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Method = Literal["ips", "snips", "dm", "dr", "switch_dr"]
METHODS: tuple[Method, ...] = ("ips", "snips", "dm", "dr", "switch_dr")

LEAST_ESS = 50.0
LEAST_REWARDED = 5.0
"""Effective number of rewarded rounds below which a standard error is an accident of which rounds were rewarded."""
CONTRADICTION = (
    "both sides of the finite-sample interval rule each other out, so the propensities are not these rounds', "
    "or the target was made from them"
)
UNBELIEVABLE = 5.0
"""Standard errors the mean weight may lie from 1; further, the logged propensities are not those of these rounds."""


class Rounds(NamedTuple):
    """All float64[round]."""

    reward: Floats
    weight: Floats
    """Target's probability of the action shown over the logged propensity."""
    q_logged: Floats
    """Reward model at the action shown."""
    q_target: Floats
    """Reward model averaged over the target's actions."""


@dataclass(frozen=True)
class Value:
    """One estimate of what a round earns under the target policy, in the unit of the reward."""

    method: Method
    value: float
    se: float
    """Standard error; that of 'dm' is given its model, whose own error and bias it cannot know."""
    low: float
    high: float
    """Normal interval at `level`, cut at the rewards' range; that of 'switch_dr' is wider by a bound on its bias."""
    honest_low: float
    honest_high: float
    """Finite-sample interval for the value itself, the same for all methods; the rewards' range where its sides contradict
    each other, which `doubt` then says."""
    gain: float
    gain_low: float
    gain_high: float
    """Value minus what the logged policy earned in the same rounds; paired."""
    level: float
    rounds: int
    ess: float
    """Effective sample size (sum w)^2 / sum w^2 (Kish)."""
    rewarded: float
    """Effective number of rewarded rounds, (sum w r)^2 / sum (w r)^2, with r from the least possible reward."""
    mean_weight: float
    threshold: float
    """Weights above it are not used; infinity but for 'switch_dr'."""
    doubt: str
    """Why there is no verdict; empty where there is one."""

    @property
    def verdict(self) -> str:
        """One sentence: better, worse, not told apart, or that it cannot be told."""
        if self.doubt:
            return f"cannot be told from these data: {self.doubt}"
        if self.gain_low > 0:
            return "earns more than the logged policy"
        if self.gain_high < 0:
            return "earns less than the logged policy"
        return "not told apart from the logged policy"


def rounds(
    reward: ArrayLike,
    action: ArrayLike,
    propensity: ArrayLike,
    target: ArrayLike,
    *,
    context: ArrayLike | None = None,
    model: ArrayLike | None = None,
    fold: ArrayLike | None = None,
) -> Rounds:
    """Logged rounds seen from a target policy. Table look-ups only, so ten million rounds are a second.

    Args:
        reward, action, propensity: [round]; propensity is the logged policy's probability of the action it showed.
        target: float[action], or float[context, action]: the target's shares, each row summing to 1.
        context: int[round], row of `target` and `model` (segment, placement, day, or a mixture of them).
        model: float[action], float[context, action], or float[fold, context, action] with `fold` int[round]: expected
            reward; see `reward_model`. None: 0 everywhere, with which DR is IPS.

    Raises:
        BadData: naming the first round that cannot be.
    """
    r, p, a = np.asarray(reward, float), np.asarray(propensity, float), np.asarray(action)
    if r.ndim != 1 or not len(r) or p.shape != r.shape or a.shape != r.shape:
        raise BadData(
            f"rounds: expected columns of one length above 0, got {r.shape}, {a.shape} and {p.shape}"
        )
    _refuse(~np.isfinite(r), "reward", r, "a finite number")
    _refuse(~((p > 0) & (p <= 1)), "propensity", p, "a probability above 0 and at most 1")
    shares = np.atleast_2d(np.asarray(target, float))
    if not np.isfinite(shares).all() or (shares < 0).any() or (np.abs(shares.sum(axis=-1) - 1) > 1e-6).any():
        raise BadData("target: expected shares >= 0 that sum to 1 in each context")
    a = _index(a, shares.shape[1], "action")
    c = _index(context, len(shares), "context", len(r))
    table = np.zeros((1, *shares.shape)) if model is None else np.asarray(model, float)
    table = table.reshape((1,) * (3 - table.ndim) + table.shape)
    f = _index(fold, len(table), "fold", len(r))
    if table.shape[1] == 1 and table.shape[2] == shares.shape[1]:
        table = np.broadcast_to(table, (len(table), *shares.shape))
    if table.shape[1:] != shares.shape or not np.isfinite(table).all():
        raise BadData(
            f"model: expected finite numbers by context and action {shares.shape}, got {table.shape}"
        )
    q_target = np.einsum("fca,ca->fc", table, shares)
    return Rounds(r, shares[c, a] / p, table[f, c, a], q_target[f, c])


def reward_model(
    reward: ArrayLike,
    action: ArrayLike,
    n_actions: int,
    *,
    context: ArrayLike | None = None,
    n_contexts: int = 1,
    fold: ArrayLike | None = None,
    spread: float = 0.5,
) -> Floats:
    """Mean reward by action and context, shrunken: float64[fold, context, action].

    A cell shrinks towards its action's mean over all contexts, and that towards the mean of all, as if relative
    differences had the sd `spread`. Cross-fitted: the table of a fold is made from the other folds' rounds, so that no
    round is predicted from its own reward (without it DR and SWITCH-DR are biased towards the data).
    """
    r = np.asarray(reward, float)
    a = _index(action, n_actions, "action", len(r))
    c = _index(context, n_contexts, "context", len(r))
    f = np.zeros(len(r), np.intp) if fold is None else np.asarray(fold, dtype=np.intp)
    folds = int(f.max()) + 1
    shape = (folds, n_contexts, n_actions)
    cell = np.ravel_multi_index((f, c, a), shape)
    n, s = (np.bincount(cell, v, int(np.prod(shape))).reshape(shape) for v in (np.ones(len(r)), r))
    if folds > 1:
        n, s = n.sum(axis=0) - n, s.sum(axis=0) - s
    mean = s.sum(axis=(1, 2), keepdims=True) / np.maximum(n.sum(axis=(1, 2), keepdims=True), 1)
    # Worth of the prior in rounds: variance of one reward over that of a mean between actions.
    worth = np.where(mean != 0, float(r.var()) / np.maximum(np.square(spread * mean), 1e-300), 1e12)
    of_action = (s.sum(axis=1, keepdims=True) + worth * mean) / (n.sum(axis=1, keepdims=True) + worth)
    return np.asarray((s + worth * of_action) / (n + worth))


def estimate(
    data: Rounds,
    method: Method,
    *,
    level: float = 0.95,
    reward_range: tuple[float, float] = (0.0, 1.0),
    threshold: float | None = None,
) -> Value:
    """One estimate. `reward_range` is what a reward can be, known beforehand; `threshold` is SWITCH's tau (None: chosen)."""
    return _estimate(data, method, level, reward_range, threshold, _honest(data, level, reward_range))


def estimates(
    data: Rounds, *, level: float = 0.95, reward_range: tuple[float, float] = (0.0, 1.0)
) -> dict[Method, Value]:
    """All methods on the same rounds."""
    honest = _honest(data, level, reward_range)
    return {m: _estimate(data, m, level, reward_range, None, honest) for m in METHODS}


def effective_sample_size(weight: Floats) -> float:
    """(sum w)^2 / sum w^2: how many rounds of the target's own these are worth (Kish 1965)."""
    square = float(np.square(weight).sum())
    return float(weight.sum()) ** 2 / square if square > 0 else 0.0


def choose_threshold(data: Rounds) -> float:
    """SWITCH's tau of least variance plus squared bias bound, over 40 quantiles of the weights and infinity.

    The bias of leaving weights above tau to the model is at most E_pi[1(w > tau)] times the greatest mean reward
    (Wang et al. 2017, section 3), for which the greatest prediction of the reward model stands. The variance takes the
    residuals to be alike at all weights: the few rounds of great weight seldom hold a reward, and then seem free of noise.
    """
    grid = np.unique(np.quantile(data.weight, np.linspace(0.5, 1.0, 40), method="higher"))
    noise = float(np.square(data.reward - data.q_logged).mean()) / len(data.reward)
    square = [float(np.square(np.where(data.weight <= tau, data.weight, 0.0)).mean()) for tau in grid]
    mse = [noise * size + _bias_bound(data, tau) ** 2 for tau, size in zip(grid, square, strict=True)]
    best = int(np.argmin(mse))
    return float("inf") if grid[best] >= data.weight.max() else float(grid[best])


def _estimate(
    data: Rounds,
    method: Method,
    level: float,
    reward_range: tuple[float, float],
    threshold: float | None,
    honest: tuple[float, float] | None,
) -> Value:
    r, w, n = data.reward, data.weight, len(data.reward)
    tau, bias = float("inf"), 0.0
    if method == "switch_dr":
        tau = choose_threshold(data) if threshold is None else threshold
        bias = _bias_bound(data, tau)
    terms = _terms(data, method, tau)
    value = float(terms.mean())
    z = z_of(level)
    se, gain_se = (float(t.std(ddof=1) / np.sqrt(n)) if n > 1 else float("inf") for t in (terms, terms - r))
    half, gain, gain_half = z * se + bias, value - float(r.mean()), z * gain_se + bias
    low, high = reward_range
    earned = w * (r - low)
    ess, rewarded = effective_sample_size(w), effective_sample_size(earned)
    mean_weight = float(w.mean())
    doubt = _doubt(method, ess, rewarded, mean_weight, float(w.std() / np.sqrt(n)), n)
    if honest is None:
        doubt, honest = CONTRADICTION, reward_range
    return Value(
        method, value, se, max(value - half, low), min(value + half, high), *honest,
        gain, gain - gain_half, gain + gain_half, level, n, ess, rewarded, mean_weight, tau, doubt,
    )  # fmt: skip


def _doubt(method: Method, ess: float, rewarded: float, mean_weight: float, weight_se: float, n: int) -> str:
    """The first reason for which there is no verdict, or nothing."""
    if ess < LEAST_ESS:
        return f"{n:,} rounds are worth {ess:.0f} of this policy's own (at least {LEAST_ESS:.0f} are needed)"
    if rewarded < LEAST_REWARDED:
        return (
            f"the estimate rests on {rewarded:.1f} rewarded rounds (at least {LEAST_REWARDED:.0f} are needed)"
        )
    if abs(mean_weight - 1) > UNBELIEVABLE * weight_se + 1e-9:
        return (
            f"the weights average {mean_weight:.3f} where 1 is due, so the propensities are not these rounds'"
        )
    if method == "dm":
        return "a reward model alone cannot know its own bias"
    return ""


def _terms(data: Rounds, method: Method, tau: float) -> Floats:
    """float64[round] whose mean is the estimate and whose sd is sqrt(n) times its error."""
    if method == "ips":
        return data.weight * data.reward
    if method == "snips":
        total = float(data.weight.sum())
        if not total > 0:
            return np.zeros(len(data.reward))
        value = float(data.weight @ data.reward) / total
        # The ratio's influence by the delta method.
        return value + data.weight * (data.reward - value) * (len(data.reward) / total)
    if method == "dm":
        return data.q_target
    return _terms_switch(data, tau)


def _terms_switch(data: Rounds, tau: float) -> Floats:
    used = np.where(data.weight <= tau, data.weight, 0.0)
    return np.asarray(data.q_target + used * (data.reward - data.q_logged))


def _bias_bound(data: Rounds, tau: float) -> float:
    left = float(np.where(data.weight > tau, data.weight, 0.0).mean())
    return left * max(float(np.abs(data.q_target).max()), float(np.abs(data.q_logged).max()))


def _honest(data: Rounds, level: float, reward_range: tuple[float, float]) -> tuple[float, float] | None:
    """The finite-sample interval, or None where its two sides contradict each other."""
    low, high = reward_range
    if not low < high:
        raise BadData(f"reward_range: expected two numbers in ascending order, got {reward_range!r}")
    outside = (data.reward < low) | (data.reward > high)
    _refuse(outside, "reward", data.reward, f"a number from {low:g} to {high:g} (give reward_range)")
    least, most = value_interval((data.reward - low) / (high - low), data.weight, level)
    if least > most:
        return None
    return low + least * (high - low), low + most * (high - low)


def _index(values: ArrayLike | None, size: int, name: str, rows: int | None = None) -> Ints:
    if values is None:
        if size != 1:
            raise BadData(f"{name}: expected an index per round, for {size} rows are given; got none")
        return np.zeros(rows or 0, np.intp)
    out = np.asarray(values)
    if (rows is not None and out.shape != (rows,)) or not np.issubdtype(out.dtype, np.integer):
        raise BadData(f"{name}: expected one whole number per round, got {out.dtype} of shape {out.shape}")
    _refuse((out < 0) | (out >= size), name, out, f"an index from 0 to {size - 1}")
    return out.astype(np.intp)


def _refuse(bad: NDArray[np.bool_], name: str, values: NDArray[np.generic], expected: str) -> None:
    if bad.any():
        i = int(np.argmax(bad))
        raise BadData(f"{name}[{i}]: expected {expected}, got {values[i].item()!r}")
