"""Small convex programmes, solved exactly: linear, nearest point, mean less sd. Pure arrays; x >= 0 throughout.

Everything is `minimise something subject to rules x <= bound`, at the size of a night (some hundred variables). Linear
programmes go to HiGHS, the nearest point to DAQP (Arnstrom, Bemporad and Axehill, IEEE TAC 67 (2022): a dual active-set method,
finite and exact on its active rules). Least distance programming by scipy's `nnls` was tried first: on rules that come in
opposite pairs it returned points that break them by 3 % without saying so.
"""

from __future__ import annotations

from typing import NamedTuple

import daqp
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import brentq, linprog

from dco.errors import BadData

Floats = NDArray[np.float64]

FEASIBLE = 1e-9
"""How far a rule may be broken by rounding, in units of its own largest coefficient."""
EXACT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
ACTIVE_SET = {"primal_tol": 1e-12, "dual_tol": 1e-12, "iter_limit": 20_000}
CUTS = 200


class Rules(NamedTuple):
    """rows @ x <= bound, x >= 0. An equality is two rows."""

    rows: Floats  # [rule, variable]
    bound: Floats  # [rule]

    @classmethod
    def none(cls, n: int) -> Rules:
        return cls(np.zeros((0, n)), np.zeros(0))

    def and_(self, *others: Rules) -> Rules:
        every = (self, *others)
        return Rules(np.concatenate([r.rows for r in every]), np.concatenate([r.bound for r in every]))

    def excess(self, x: Floats) -> Floats:
        """float[rule], how far each is broken, in units of its own largest coefficient (<= 0: kept)."""
        return (self.rows @ x - self.bound) / self._size()

    def _size(self) -> Floats:
        return np.maximum(np.abs(self.rows).max(axis=1, initial=0.0), 1e-300)

    def scaled(self) -> Rules:
        size = self._size()
        return Rules(self.rows / size[:, None], self.bound / size)


class Certain(NamedTuple):
    """The best of mean less risk times sd. `gap` bounds what any other feasible point has more."""

    x: Floats
    value: float
    gap: float


def largest(worth: Floats, rules: Rules) -> Floats | None:
    """argmax worth @ x, or None when no x keeps the rules."""
    scaled = rules.scaled()
    size = float(np.abs(worth).max(initial=0.0)) or 1.0
    found = linprog(  # type: ignore[call-overload]
        -worth / size, A_ub=scaled.rows, b_ub=scaled.bound, bounds=(0, None), method="highs", options=EXACT
    )
    if found.status == 2:
        return None
    if found.status != 0:
        raise BadData(f"money: the linear programme of {len(worth)} shares has no answer ({found.message})")
    return np.asarray(found.x, float)


def feasible(rules: Rules) -> bool:
    """Whether any x >= 0 keeps the rules."""
    return largest(np.zeros(rules.rows.shape[1]), rules) is not None


class Eased(NamedTuple):
    rules: Rules  # the soft ones, with bounds that can be kept
    x: Floats  # a point that keeps them and the hard ones


HAIR = 1e-8
"""Part of the way by which eased bounds stay short of the nearest: the rules then hold points beyond rounding."""


def eased(soft: Rules, hard: Rules, start: Floats) -> Eased:
    """The soft rules as near to their bounds as they can be kept together.

    A bound that `start` breaks is moved towards what `start` has, all by one fraction of their distance: the largest t with
    rows x <= has + t (bound - has). One linear programme. Where `start` is itself the nearest (t = 0), the hair goes beyond
    what it has: a bound on the last point of a set would leave the next step nothing but rounding.

    Args:
        start: a point that keeps `hard`.
    """
    has = np.maximum(soft.rows @ start, soft.bound)
    way = soft.bound - has
    n = soft.rows.shape[1]
    soft_t = np.column_stack([soft.rows, -way])
    hard_t = np.column_stack([hard.rows, np.zeros(len(hard.bound))])
    cap = np.append(np.zeros(n), 1.0)[None]
    every = Rules(np.concatenate([soft_t, hard_t, cap]), np.concatenate([has, hard.bound, [1.0]]))
    found = largest(np.append(np.zeros(n), 1.0), every)
    x, t = (start, 0.0) if found is None else (found[:-1], float(np.clip(found[-1], 0.0, 1.0)))
    return Eased(Rules(soft.rows, has + (t if t >= 1.0 else t - HAIR) * way), x)


def nearest(goal: Floats, root: Floats, rules: Rules) -> Floats:
    """argmin |root (x - goal)| under the rules: exact. `root` float[n, n] upper triangular, regular.

    Raises:
        BadData: no x keeps the rules.
    """
    n = len(goal)
    every = rules.and_(Rules(-np.eye(n), np.zeros(n)))
    # In y = root (x - goal) the distance is |y|, whatever the root's condition; each rule is a half-space of unit normal.
    g = solve_triangular(root, every.rows.T, trans="T").T
    h = every.bound - every.rows @ goal
    size = np.maximum(np.linalg.norm(g, axis=1), 1e-300)
    g, h = np.ascontiguousarray(g / size[:, None]), h / size
    if (h >= -FEASIBLE / 1000).all():
        return np.array(goal)
    free = np.full(len(h), -np.inf)
    kinds = np.zeros(len(h), np.int32)
    y, _, found, _ = daqp.solve(np.eye(n), np.zeros(n), g, h, free, kinds, **ACTIVE_SET)
    if found != 1 or (g @ y - h).max() > FEASIBLE * max(1.0, float(np.abs(h).max())):
        raise BadData("money: no split keeps every rule")
    return np.maximum(goal + solve_triangular(root, y), 0.0)


def most_certain(mean: Floats, cov: Floats, risk: float, rules: Rules, start: Floats) -> Certain:
    """argmax mean @ x - risk sqrt(x cov x), with the gap that is left to any feasible point.

    Its optimum lies on the frontier min x cov x / 2 - lambda mean @ x at the lambda where sd(x) = risk lambda: a root in one
    variable over exact nearest points. The gap is Frank and Wolfe's (1956): the objective is concave, so its tangent at x,
    maximised by a linear programme, bounds it everywhere.

    Args:
        start: a point that keeps the rules; the answer is never worse.
    """

    def value(x: Floats) -> float:
        return float(mean @ x - risk * _sd(cov, x))

    if risk <= 0 or not np.abs(cov).max(initial=0.0) > 0:
        top = largest(mean, rules)
        best = start if top is None else top
        return Certain(best, value(best), 0.0)
    ridge = 1e-12 * float(np.trace(cov)) / len(mean)
    root = np.asarray(cholesky(cov + ridge * np.eye(len(mean))))
    goal = solve_triangular(root, solve_triangular(root, mean, trans="T"))

    def at(log_lambda: float) -> Floats:
        return nearest(float(np.exp(log_lambda)) * goal, root, rules)

    def off(log_lambda: float) -> float:
        return float(np.log(max(_sd(cov, at(log_lambda)), 1e-300) / risk) - log_lambda)

    # sd(x) lies between the least and the largest one the rules allow; lambda = sd / risk between these over risk.
    low = np.log(max(_sd(cov, nearest(np.zeros(len(mean)), root, rules)), 1e-300) / risk) - 1e-6
    high = np.log(max(np.sqrt(np.diag(cov)).max() * _total(rules, len(mean)), 1e-300) / risk) + 1e-6
    found = [start]
    if off(low) >= 0 >= off(high):
        found.append(at(float(brentq(off, low, high, xtol=1e-12, rtol=1e-12))))
    else:
        found += [at(low), at(high)]
    best = max(found, key=value)
    slope = mean - risk * cov @ best / max(_sd(cov, best), 1e-300)
    top = largest(slope, rules)
    gap = 0.0 if top is None else float(slope @ (top - best))
    return Certain(best, value(best), max(gap, 0.0))


def nearest_certain(
    goal: Floats,
    root: Floats,
    rules: Rules,
    mean: Floats,
    cov: Floats,
    risk: float,
    least: float,
    sure: Floats,
) -> tuple[Floats, float]:
    """The point nearest to `goal` whose mean less risk times sd is at least `least`: (x, gap in distance).

    Outer cuts: the set is convex, and a cut at a point outside it takes off that point. Each answer is nearer than the truth
    can be, so the gap is what the last mile towards `sure`, a point inside, adds.
    """
    cuts = Rules.none(len(goal))
    x = nearest(goal, root, rules)
    slack = 1e-10 * max(abs(least), float(np.abs(mean).max(initial=0.0)), 1e-300)
    for _ in range(CUTS):
        sd = _sd(cov, x)
        if float(mean @ x) - risk * sd >= least - slack:
            break
        slope = mean - risk * cov @ x / max(sd, 1e-300)
        cuts = cuts.and_(Rules(-slope[None], np.array([-least])))
        try:
            x = nearest(goal, root, rules.and_(cuts))
        except BadData:  # rounding left no point between the cuts
            x = sure
            break
    bound = float(np.linalg.norm(root @ (x - goal)))
    inside = _towards(x, sure, mean, cov, risk, least - slack)
    return inside, max(float(np.linalg.norm(root @ (inside - goal))) - bound, 0.0)


def _towards(x: Floats, sure: Floats, mean: Floats, cov: Floats, risk: float, least: float) -> Floats:
    def value(t: float) -> float:
        z = x + t * (sure - x)
        return float(mean @ z) - risk * _sd(cov, z)

    if value(0.0) >= least:
        return x
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if value(middle) >= least else (middle, high)
    return x + high * (sure - x)


def _sd(cov: Floats, x: Floats) -> float:
    return float(np.sqrt(max(float(x @ cov @ x), 0.0)))


def _total(rules: Rules, n: int) -> float:
    """The largest sum of x that the rules allow."""
    top = largest(np.ones(n), rules)
    return 1.0 if top is None else float(top.sum())
