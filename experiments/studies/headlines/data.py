"""The real headline tests as padded arrays, and the truths a replay draws from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from scipy import special
from scipy.optimize import minimize_scalar

BROKEN = (201325, 201401)
"""Weeks in which the site's randomisation was broken (officially reported); 71 % of these tests fail a ratio test."""


class Archive(NamedTuple):
    """Real counts float[test, arm] padded with zeros; `live` says which cells are packages; `week` int[test]."""

    impressions: np.ndarray
    clicks: np.ndarray
    live: np.ndarray
    week: np.ndarray

    def take(self, which: np.ndarray) -> Archive:
        return Archive(*(column[which] for column in self))

    def narrow(self, arms: int) -> Archive:
        """The first `arms` columns; the rest must be padding."""
        return Archive(self.impressions[:, :arms], self.clicks[:, :arms], self.live[:, :arms], self.week)

    @property
    def broken(self) -> np.ndarray:
        return (self.week >= BROKEN[0]) & (self.week <= BROKEN[1])


def source() -> Path:
    """The archive's file below the folder that DCO_REAL_DATA names."""
    folder = os.environ.get("DCO_REAL_DATA", "")
    path = Path(folder) / "upworthy_dev" / "packages.parquet"
    if not folder or not path.exists():
        raise SystemExit(
            "headlines: set DCO_REAL_DATA to the folder that holds upworthy_dev/packages.parquet (see data/SOURCES.md)"
        )
    return path


def load(path: Path) -> Archive:
    """All tests in the order of their ids. A test that spans two weeks counts for its first."""
    table = pq.read_table(path, columns=["clickability_test_id", "impressions", "clicks", "test_week"])
    ids = table["clickability_test_id"].to_numpy(zero_copy_only=False)
    _, test, size = np.unique(ids, return_inverse=True, return_counts=True)
    order = np.argsort(test, kind="stable")
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    arm = np.empty(len(ids), int)
    arm[order] = np.arange(len(ids)) - np.repeat(start, size)
    shape = (len(size), int(size.max()))
    impressions, clicks = np.zeros(shape), np.zeros(shape)
    impressions[test, arm] = table["impressions"].to_numpy()
    clicks[test, arm] = table["clicks"].to_numpy()
    week = np.full(shape[0], 999_999)
    np.minimum.at(week, test, table["test_week"].to_numpy())
    return Archive(impressions, clicks, impressions > 0, week)


def truth(tests: Archive) -> tuple[np.ndarray, float]:
    """Each package's rate as far as it is known, float[test, arm], and the prior strength behind it, in impressions.

    Empirical Bayes: within a test rates are Beta with the test's own mean and one strength M for all tests, M by
    beta-binomial marginal likelihood; the rate is the posterior mean (clicks + M mean) / (impressions + M), so that
    luck in the real counts is not replayed as quality.
    """
    n, s, live = tests.impressions, tests.clicks, tests.live

    def loss(log_strength: float) -> float:
        strength = float(np.exp(log_strength))
        mean = means_of_tests(tests, strength)
        a, b = strength * mean, strength * (1 - mean)
        # The test means are estimated too: their Laplace term keeps the strength from coming out too great.
        information = (
            np.where(live, n * strength / (n + strength), 0.0).sum(axis=1) / (mean * (1 - mean))[:, 0]
        )
        each = np.where(live, special.betaln(s + a, n - s + b) - special.betaln(a, b), 0.0)
        return float(0.5 * np.log(information).sum() - each.sum())

    strength = float(np.exp(minimize_scalar(loss, bounds=(3.0, 12.0), method="bounded").x))
    rates = (s + strength * means_of_tests(tests, strength)) / (n + strength)
    return np.where(live, rates, 0.0), strength


def draw_truth(tests: Archive, strength: float, seed: int) -> np.ndarray:
    """One truth that the real counts leave possible, float[test, arm]: a draw of every package's Beta posterior.

    Means are less unlike each other than rates are; draws have the spread that the packages themselves have.
    """
    n, s, live = tests.impressions, tests.clicks, tests.live
    mean = means_of_tests(tests, strength)
    rng = np.random.default_rng((2016, seed))
    drawn = rng.beta(s + strength * mean, np.maximum(n - s, 0) + strength * (1 - mean))
    return np.where(live, drawn, 0.0)


def means_of_tests(tests: Archive, strength: float) -> np.ndarray:
    """float[test, 1]: the mean rate of each test's packages, each weighing as much as its counts tell at that strength."""
    n, live = tests.impressions, tests.live
    weight = np.where(live, n * strength / (n + strength), 0.0)
    rate = np.where(live, tests.clicks / np.maximum(n, 1), 0.0)
    return np.clip((weight * rate).sum(axis=1) / weight.sum(axis=1), 1e-5, 1)[:, None]
