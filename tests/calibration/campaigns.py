"""Simulated campaigns for calibration: many at once, a nightly Thompson policy moving the traffic."""

import numpy as np

from dco.stats.best_rows import p_best_beta_rows


def bandit_logs(rates, batch, seed, *, floor=0.01, extra_sd=0.0):
    """Counts of many campaigns under nightly Beta(1,1) Thompson with an additive floor.

    Args:
        rates: float[batch, arm], true rates; extra_sd: lognormal sd of an arm's rate in a batch around them.

    Returns:
        n, s, propensity: float[campaign, batch, arm] for `batch[0]` campaigns of `batch[1]` impressions a batch.
    """
    campaigns, size = batch
    rng = np.random.default_rng(seed)
    nights, arms = rates.shape
    n, s, e = (np.zeros((campaigns, nights, arms)) for _ in range(3))
    live = np.ones((campaigns, arms), bool)
    for t in range(nights):
        seen, won = n.sum(axis=1), s.sum(axis=1)
        p = p_best_beta_rows(won + 1, seen - won + 1, live)
        e[:, t] = floor + (1 - arms * floor) * p
        n[:, t] = rng.multinomial(size, e[:, t] / e[:, t].sum(axis=1, keepdims=True))
        wobble = np.exp(rng.normal(-(extra_sd**2) / 2, extra_sd, (campaigns, arms))) if extra_sd else 1.0
        s[:, t] = rng.binomial(n[:, t].astype(int), np.minimum(rates[t] * wobble, 1))
    return n, s, e


def log_table(n, s, e=None):
    """One campaign's counts as the columns `dco.compare` takes; arms are 'a0', 'a1', ..."""
    nights, arms = n.shape
    columns = {
        "arm": [f"a{k}" for _ in range(nights) for k in range(arms)],
        "batch": np.repeat(np.arange(nights), arms),
        "n": n.ravel(),
        "s": s.ravel(),
    }
    return columns | ({} if e is None else {"propensity": e.ravel()})
