"""How good forecasts were: Brier score against climatology, reliability, coverage of intervals, bias.

Forecasts about one subject overlap and repeat each other, so every error here is clustered by subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dco.errors import BadData
from dco.stats.intervals import beta_credible, z_of

Floats = NDArray[np.float64]

LEAST = 20
"""Forecasts that a verdict needs at least; fewer are a story, not a score."""
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


class Brier(NamedTuple):
    """Mean squared error of probabilities (0 perfect, lower is better), and of always saying the observed frequency.

    `skill` is 1 - score / reference; `gain` the reference less the score with its 90 % interval over subjects.
    """

    n: int
    subjects: int
    score: float
    reference: float
    skill: float | None
    gain: float
    low: float
    high: float


class Reliable(NamedTuple):
    """Forecasts between two probabilities: how many, what was said on average, how often it came true (90 % interval)."""

    above: float
    up_to: float
    n: int
    said: float
    came_true: float
    low: float
    high: float


class Coverage(NamedTuple):
    """How often an interval held what came (90 % Clopper-Pearson interval), against how often it should."""

    n: int
    held: int
    level: float
    share: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """'as promised', 'too narrow' or 'too wide'; 'too few to tell' below `LEAST`."""
        if self.n < LEAST:
            return "too few to tell"
        return (
            "too narrow" if self.high < self.level else "too wide" if self.low > self.level else "as promised"
        )


class Bias(NamedTuple):
    """Mean of outcome less forecast, with a 90 % interval over subjects."""

    n: int
    subjects: int
    said: float
    came: float
    bias: float
    low: float
    high: float


def _pairs(said: ArrayLike, came: ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(said, float), np.asarray(came, float)
    if a.shape != b.shape or a.ndim != 1 or not len(a) or not (np.isfinite(a) & np.isfinite(b)).all():
        raise BadData(f"grading: expected as many finite forecasts as outcomes, got {a.shape} and {b.shape}")
    return a, b


def _clustered(value: Floats, subject: Sequence[str], level: float = 0.9) -> tuple[float, float, int]:
    """(low, high) of a mean by the sandwich over subjects with Student's quantile, and the number of subjects."""
    _, at = np.unique(np.asarray(subject), return_inverse=True)
    k = int(at.max()) + 1
    mean = float(value.mean())
    if k < 2:
        return float("-inf"), float("inf"), k
    sums = np.bincount(at, value - mean)
    error = float(np.sqrt((sums**2).sum() * k / (k - 1))) / len(value)
    half = z_of(level, k - 1) * error
    return mean - half, mean + half, k


def brier(said: ArrayLike, came: ArrayLike, subject: Sequence[str]) -> Brier:
    """Of probabilities and outcomes (0 or 1), Brier (1950)."""
    p, y = _pairs(said, came)
    base = float(y.mean())
    score, reference = float(((p - y) ** 2).mean()), base * (1 - base)
    low, high, k = _clustered((base - y) ** 2 - (p - y) ** 2, subject)
    return Brier(
        len(p),
        k,
        score,
        reference,
        1 - score / reference if reference else None,
        reference - score,
        low,
        high,
    )


def reliability(said: ArrayLike, came: ArrayLike) -> list[Reliable]:
    """Per fifth of the scale that was used. Intervals are binomial: too narrow where forecasts repeat each other."""
    p, y = _pairs(said, came)
    rows = []
    for above, up_to in pairwise(BINS):
        mine = (p >= above) & ((p < up_to) | (up_to == BINS[-1]))
        n, k = int(mine.sum()), int(y[mine].sum())
        if n:
            low, high = _clopper_pearson(k, n)
            rows.append(Reliable(above, up_to, n, float(p[mine].mean()), k / n, low, high))
    return rows


def coverage(low: ArrayLike, high: ArrayLike, came: ArrayLike, level: float) -> Coverage:
    """How often outcomes lay within their intervals, ends included."""
    a, y = _pairs(low, came)
    b, _ = _pairs(high, came)
    held = int(((a <= y) & (y <= b)).sum())
    return Coverage(len(y), held, level, held / len(y), *_clopper_pearson(held, len(y)))


def bias(said: ArrayLike, came: ArrayLike, subject: Sequence[str]) -> Bias:
    """Whether outcomes were better or worse than said."""
    a, y = _pairs(said, came)
    low, high, k = _clustered(y - a, subject)
    return Bias(len(y), k, float(a.mean()), float(y.mean()), float((y - a).mean()), low, high)


def _clopper_pearson(k: int, n: int, level: float = 0.9) -> tuple[float, float]:
    """Exact binomial interval (1934)."""
    low = float(beta_credible(k, n - k + 1, level)[0]) if k else 0.0
    high = float(beta_credible(k + 1, n - k, level)[1]) if k < n else 1.0
    return low, high
