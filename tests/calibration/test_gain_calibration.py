"""Gain over control: the interval holds the true gain, whoever the policy gave the traffic to."""

import numpy as np
import pyarrow as pa
import pytest

from dco.stats.best_rows import p_best_gamma_rows
from dco.stats.gain import gain_over_control

CAMPAIGNS = 200
ARMS, STARTING, HOLDOUT, FLOOR = 6, 4, 0.1, 0.02


def campaign(seed, *, size=6000, spread=0.25, extra_sd=0.11, nights=14, segments=3):
    """One campaign under nightly Thompson with floor, holdout, drift, and two arms that enter on the sixth night."""
    rng, rows, engine, control = np.random.default_rng(seed), [], 0.0, 0.0
    held = np.where(np.arange(ARMS) < STARTING, HOLDOUT / STARTING, 0.0)
    for segment in range(segments):
        factor, base = np.exp(rng.normal(0, spread, ARMS)), 0.02 * np.exp(rng.normal(0, 0.3))
        won, seen = np.zeros(ARMS), np.zeros(ARMS)
        for night in range(nights):
            live = np.arange(ARMS) < (STARTING if night < 5 else ARMS)
            own = np.where(live, p_best_gamma_rows(won + 20, seen + 1000, live), 0)
            own = np.where(live, FLOOR, 0) + (1 - live.sum() * FLOOR) * own
            share = (1 - HOLDOUT) * own + held
            n = rng.multinomial(rng.poisson(size), share / share.sum())
            rate = base * (1 + 0.3 * np.sin(night)) * factor
            wobble = np.exp(rng.normal(-(extra_sd**2) / 2, extra_sd, ARMS))
            s = rng.binomial(n, np.minimum(rate * wobble, 1))
            won, seen = won + s, seen + n
            engine, control = engine + n.sum() * own @ rate, control + n.sum() * held @ rate / HOLDOUT
            rows += [
                (str(segment), night, str(k), n[k], s[k], share[k], held[k]) for k in np.flatnonzero(live)
            ]
    names = ("segment", "day", "arm_id", "impressions", "clicks", "share", "control_share")
    return pa.table({k: list(v) for k, v in zip(names, zip(*rows), strict=True)}), engine / control - 1


@pytest.mark.parametrize("how", [{}, {"extra_sd": 0.0}, {"extra_sd": 0.25}, {"spread": 0.0}, {"size": 1500}])
def test_the_interval_holds_the_true_gain(how):
    inside, error = [], []
    for seed in range(CAMPAIGNS):
        table, true = campaign(seed, **how)
        gain = gain_over_control(table)
        inside.append(gain.low <= true <= gain.high)
        error.append(gain.value - true)
    assert np.mean(inside) >= 0.93
    assert abs(np.mean(error)) < 4 * np.std(error) / np.sqrt(CAMPAIGNS), "unbiased"
