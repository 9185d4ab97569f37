"""The variances of pairs and looks, learnt by the evidence in data space: average-information REML with a penalty.

Gilmour, Thompson & Cullis (1995), "Average information REML": Newton's steps whose curvature is the mean of the observed
and the expected information, y'P K_k P K_l P y / 2, which costs a product instead of a matrix. Here on log variances,
with the normal prior that holds each near what is usual, and halved until the penalised evidence rises.
"""

from __future__ import annotations

from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from scipy.linalg.lapack import dpotrf, dpotri

from dco.elements.gaussian import Design, Variances, eliminate, statistics, weights
from dco.elements.process import Base, Process, Rows, likeness, pairs_in_common
from dco.errors import BadData

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST = 220
"""Arms in data space: the cost of a fit grows with the cube of it."""
SPREAD = 1.5
"""Log-sd of a variance's prior about what is usual, as in `gaussian.learn_variances`."""
SILENT = 1e12
"""Sampling variance of a row that says nothing."""


class Problem(NamedTuple):
    """The active arms, and the covariances whose variances are learnt."""

    rows: Rows
    base: Base
    apart: Floats  # [active] responses less what the base expects
    sampling: Floats  # [active]
    fixed: Floats  # [active, active] covariance of the sums over options
    terms: tuple[str, ...]  # of 'pair', 'own_pair', 'look'
    shared: tuple[Floats, ...]  # per term float[active, active], what arms have in common
    alone: Floats  # [term, active] what is each arm's own of a term: its unknown pairs, its unknown looks
    attributes: int

    def own(self, v: Variances) -> Floats:
        """float[active]: sampling variance and all that is each arm's own."""
        return np.asarray(self.sampling + v.arm + self._sizes(v) @ self.alone)

    def kernel(self, v: Variances) -> Floats:
        """float[active, active]: covariance of the responses."""
        total = self.fixed.copy()
        for size, term in zip(self._sizes(v), self.shared):
            total += size * term
        total[np.diag_indices_from(total)] += self.own(v)
        return total

    def _sizes(self, v: Variances) -> Floats:
        return np.array([getattr(v, name) for name in self.terms])


def pose(
    design: Design,
    rows: Rows,
    response: Floats,
    sampling: Floats,
    v: Variances,
    terms: tuple[str, ...],
    attributes: int,
) -> Problem:
    """The problem of the `MOST` most informative arms, given what the other arms say of the sums over options.

    Args:
        response, sampling: float[arm], working responses and their variances.
        v: variances of the sum over options, and `arm` with everything beyond it, as learnt without the terms.
    """
    active = np.arange(len(response))
    if len(active) > MOST:
        active = np.sort(np.argsort(sampling, kind="stable")[:MOST])
    noise = sampling + v.arm
    noise[active] = SILENT
    base, few = base_of(design, response, noise, v), rows.take(active)
    agree = pairs_in_common(few, few, attributes)
    unlike = few.segment[:, None] != few.segment
    shared = {"pair": agree, "own_pair": np.where(unlike, 0.0, agree)}
    if few.looks is not None:
        shared["look"] = likeness(few, few)
    return Problem(
        few, base, response[active] - base.fitted(few), sampling[active], base.covariance(few), terms,
        tuple(shared[t] for t in terms), _unshared(few, terms, attributes), attributes,
    )  # fmt: skip


def _unshared(rows: Rows, terms: tuple[str, ...], attributes: int) -> Floats:
    """float[term, row]: the part of a term that no other arm can share, because the row's pairs or looks are not known."""
    known = rows.x[:, 1:].sum(axis=1)
    pairs = 1.0 - known * (known - 1) / max(attributes * (attributes - 1), 1)
    looks = (
        np.zeros(len(known)) if rows.looks is None else (~np.isfinite(rows.looks).all(axis=1)).astype(float)
    )
    return np.stack([looks if t == "look" else pairs for t in terms])


def alone(rows: Rows, v: Variances, terms: tuple[str, ...], attributes: int) -> Floats:
    """float[row]: variance of the terms' parts that no other arm can share."""
    return np.asarray(np.array([getattr(v, t) for t in terms]) @ _unshared(rows, terms, attributes))


def base_of(design: Design, response: Floats, noise: Floats, v: Variances) -> Base:
    """The weights' joint distribution given responses with noise variances float[arm] (`SILENT`: not heard)."""
    found = statistics(design, response, noise)
    rest = eliminate(found, v)
    common, mean, precision, _ = weights(found, rest, v, want_evidence=False)
    return Base(
        common, np.asarray(np.linalg.inv(precision), dtype=float), mean, rest.inverse / v.deviation(len(common)),
        rest.inverse,
    )  # fmt: skip


def solve(problem: Problem, v: Variances) -> Process:
    """The posterior under given variances."""
    factor = _factor(problem.kernel(v))
    weight = cho_solve((factor, True), problem.apart, check_finite=False)
    return Process(
        problem.rows, problem.base, v, problem.attributes, problem.own(v), np.tril(factor), np.asarray(weight)
    )


def evidence(problem: Problem, v: Variances) -> float:
    """Log marginal likelihood of the active responses, up to a constant."""
    factor = _factor(problem.kernel(v))
    weight = cho_solve((factor, True), problem.apart, check_finite=False)
    return -float(np.log(np.diagonal(factor)).sum()) - 0.5 * float(problem.apart @ weight)


def gradient(problem: Problem, v: Variances) -> tuple[Floats, Floats, float]:
    """Slope float[1 + term] of the evidence in the log variances of ('arm', *terms), the average information, the evidence."""
    factor = _factor(problem.kernel(v))
    weight = np.asarray(cho_solve((factor, True), problem.apart, check_finite=False))
    value = -float(np.log(np.diagonal(factor)).sum()) - 0.5 * float(problem.apart @ weight)
    lower, failed = dpotri(factor, lower=1, overwrite_c=0)
    if failed:
        raise BadData("element model: the counts span too many orders of magnitude to be fitted together")
    inverse = np.tril(lower)
    diagonal = np.diagonal(inverse).copy()
    twice = 2.0 * inverse  # its lower triangle stands for both
    twice[np.diag_indices_from(twice)] = diagonal
    sizes = np.array([v.arm, *(getattr(v, t) for t in problem.terms)])
    pulled, traces = [weight], [float(diagonal.sum())]
    for term, alone in zip(problem.shared, problem.alone):
        pulled.append(term @ weight + alone * weight)
        traces.append(float(np.einsum("ij,ij->", twice, term)) + float(diagonal @ alone))
    pull = np.stack(pulled)
    slope = 0.5 * sizes * (pull @ weight - np.array(traces))
    information = (
        0.5 * np.outer(sizes, sizes) * (pull @ cho_solve((factor, True), pull.T, check_finite=False))
    )
    return slope, information, value


def learn(
    problem: Problem, start: Variances, usual: Variances, *, steps: int = 6, close: float = 0.02
) -> Variances:
    """`arm` and the terms' variances at the top of evidence plus prior; the others are as in `start`."""
    names = ("arm", *problem.terms)
    centre = np.log([getattr(usual, name) for name in names])
    at = np.log([getattr(start, name) for name in names])
    v = start
    slope, information, value = gradient(problem, v)
    for _ in range(steps):
        score = value - float(((at - centre) ** 2).sum()) / (2 * SPREAD**2)
        downhill = slope - (at - centre) / SPREAD**2
        move = np.clip(np.linalg.solve(information + np.eye(len(at)) / SPREAD**2, downhill), -1.5, 1.5)
        for _ in range(4):
            trial = np.clip(at + move, log(1e-6), log(2.0))
            new = v._replace(**dict(zip(names, np.exp(trial).tolist())))
            new_slope, new_information, new_value = gradient(problem, new)
            gain = new_value - float(((trial - centre) ** 2).sum()) / (2 * SPREAD**2) - score
            if gain > 0:
                break
            move = move / 3
        else:
            return v
        at, v, slope, information, value = trial, new, new_slope, new_information, new_value
        if gain < close:
            break
    return v


def _factor(kernel: Floats) -> Floats:
    """Lower Cholesky factor (the upper triangle is not cleaned), overwriting `kernel`."""
    factor, failed = dpotrf(kernel.T, lower=1, clean=0, overwrite_a=1)
    if failed:
        raise BadData("element model: the counts span too many orders of magnitude to be fitted together")
    return np.asarray(factor)
