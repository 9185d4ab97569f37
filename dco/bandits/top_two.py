"""Who challenges the leader: the split of top-two Thompson sampling, integrated instead of drawn.

    psi_k = p_k (beta + (1 - beta) sum_{j != k} p_j / (1 - p_j))         (Russo 2016, arXiv 1602.08448, sec. 3)

p_j / (1 - p_j) is the leader's chance to be met as the second of another first; p_j / (1 - p_k) the challenger's. Once
one arm has nearly all of P(best), the others' chances are tiny numbers whose RATIOS decide half of the traffic, so they
are integrated in logarithms, to a relative error below 1e-3 wherever the chance is above 1e-200.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from dco.stats.best import p_best_beta

Floats = NDArray[np.float64]

SETTLED = 0.9
"""Above this the challengers' chances are integrated in logarithms."""
REACH = 12.0
ARMS_WITH_A_GRID = 12
NODES, WEIGHTS = np.polynomial.legendre.leggauss(3)


def top_two_shares(p_best: Floats, challengers: Floats, beta: float) -> Floats:
    """float64[arm] from P(best) and challengers[i, j] = P(second is j | first is i), rows summing to 1."""
    return beta * p_best + (1 - beta) * p_best @ challengers


def p_best_and_challengers(alpha: Floats, beta: Floats) -> tuple[Floats, Floats]:
    """(P(best)[arm], P(second | first)[arm, arm]) of independent Beta posteriors; at least two arms."""
    p = p_best_beta(alpha, beta)
    others = p[None, :] / np.maximum(1 - p, 1e-300)[:, None]
    leader = int(np.argmax(p))
    if p[leader] > SETTLED:
        others[leader] = _challengers_of(leader, alpha, beta)
    np.fill_diagonal(others, 0.0)
    return p, others / others.sum(axis=1, keepdims=True)


def _challengers_of(leader: int, alpha: Floats, beta: Floats) -> Floats:
    """P(arm is the greatest) of all arms but the leader, scaled to sum to 1."""
    x, log_w = _nodes(leader, alpha, beta)
    a, b = alpha[:, None], beta[:, None]
    log_pdf = special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b)
    log_cdf = np.log(np.maximum(special.betainc(a, b, x), 1e-300))
    log_p = special.logsumexp(log_pdf - log_cdf + log_cdf.sum(axis=0) + log_w, axis=1)
    log_p[leader] = -np.inf
    return np.exp(log_p - log_p.max())


def _nodes(leader: int, alpha: Floats, beta: Floats) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and log weights on cells that are fine wherever a likely challenger or the leader changes."""
    mean = alpha / (alpha + beta)
    sd = np.sqrt(mean * (1 - mean) / (alpha + beta + 1))
    likely = np.argsort(-(mean + 3 * sd), kind="stable")[:ARMS_WITH_A_GRID]
    some = np.append(likely, leader)
    fine = (mean[some, None] + sd[some, None] * np.linspace(-REACH, REACH, 49)).ravel()
    low, high = max(float((mean - REACH * sd).min()), 0.0), min(float((mean + REACH * sd).max()), 1.0)
    # Vague Beta posteriors have their mass near 0 and 1: a grid of the whole range takes care of them.
    ends = np.unique(np.clip(np.concatenate([fine, np.linspace(low, high, 129)]), 1e-12, 1 - 1e-12))
    half = np.diff(ends) / 2
    x = (ends[:-1] + half)[:, None] + half[:, None] * NODES
    return x.ravel(), np.log(half[:, None] * WEIGHTS).ravel()
