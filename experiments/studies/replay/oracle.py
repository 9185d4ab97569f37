"""The same estimates by another route: the papers' formulas, one round at a time, summed exactly (`math.fsum`).

IPS and SNIPS (Swaminathan & Joachims 2015), DM and DR (Dudik et al. 2011), SWITCH-DR (Wang et al. 2017). Nothing of
`dco.stats` is used, and no array arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Answer(NamedTuple):
    value: float
    se: float


def estimates(
    reward: np.ndarray, action: np.ndarray, propensity: np.ndarray, context: np.ndarray, fold: np.ndarray,
    target: np.ndarray, model: np.ndarray, threshold: float,
) -> tuple[dict[str, Answer], float]:  # fmt: skip
    """(method -> value and standard error, effective sample size) of a target float[context, action] on logged rounds.

    Args:
        model: float[fold, context, action], each round judged with the model that did not see it.
        threshold: weight beyond which SWITCH-DR trusts the model.
    """
    chosen, modelled = target.tolist(), model.tolist()
    memo: dict[tuple[int, int], float] = {}

    def expected(f: int, c: int) -> float:
        if (f, c) not in memo:
            memo[f, c] = math.fsum(p * q for p, q in zip(chosen[c], modelled[f][c]))
        return memo[f, c]

    terms: dict[str, list[float]] = {name: [] for name in ("ips", "dm", "dr", "switch_dr")}
    weights, rewards = [], reward.tolist()
    for r, a, p, c, f in zip(rewards, action.tolist(), propensity.tolist(), context.tolist(), fold.tolist()):
        weight, base = chosen[c][a] / p, expected(f, c)
        residual = weight * (r - modelled[f][c][a])
        weights.append(weight)
        terms["ips"].append(weight * r)
        terms["dm"].append(base)
        terms["dr"].append(base + residual)
        terms["switch_dr"].append(base + (residual if weight <= threshold else 0.0))
    n, total = len(weights), math.fsum(weights)
    found = {name: _mean(values) for name, values in terms.items()}
    value = math.fsum(terms["ips"]) / total
    spread = math.fsum(w * w * (r - value) ** 2 for w, r in zip(weights, rewards)) * n / (n - 1)
    found["snips"] = Answer(value, math.sqrt(spread) / total)
    return found, total**2 / math.fsum(w * w for w in weights)


def _mean(values: Sequence[float]) -> Answer:
    n = len(values)
    mean = math.fsum(values) / n
    return Answer(mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1) / n))
