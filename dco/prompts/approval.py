"""What a person is likely to say to an idea, learnt from past answers. It ranks ideas and never approves one.

Bayesian logistic regression on the options (and, weakly, on the segment), by Laplace's method:
    P(yes | x) = sigma(w x),   w_0 ~ N(logit of the usual rate, 1),   options ~ N(0, v),   segments ~ N(0, v / 4)
with v by the evidence under a log-normal prior. Predictions integrate the weights' uncertainty with MacKay's (1992)
approximation sigma(m / sqrt(1 + pi s^2 / 8)), so that a single answer about an option decides little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, pi

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from dco.elements.alphabet import UNKNOWN, Alphabet
from dco.errors import BadData, UnknownName

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

USUAL_YES, USUAL_ANSWERS = 0.8, 5.0
"""Before any answer four ideas in five count as approved, as firmly as five answers would say it."""
BASE_VARIANCE = 1.0
SEGMENT_SHARE = 0.25
"""Variance of a segment's deviation against an option's: it is mostly one person's taste."""
VARIANCES = np.geomspace(0.02, 5.0, 12)
USUAL_VARIANCE, SPREAD = 0.6, 1.5
"""An option usually moves the log odds by about .8; log-sd of the variance around that. From .3 to 1 the same ideas rank first."""
NEWTON_STEPS = 50
CLOSE = 1e-10


@dataclass(frozen=True)
class ApprovalModel:
    """A fitted model. `mean` and `cov` are the posterior of the weights (float[weight], float[weight, weight]): base rate,
    options as in `Alphabet.design`, segments. They are None while nothing was ever refused: then all ideas are alike.

    `approved` and `refused` count past answers per design column (the first one: all of them).
    """

    alphabet: Alphabet
    approved: Ints
    refused: Ints
    variance: float
    mean: Floats | None
    cov: Floats | None

    @classmethod
    def fit(
        cls,
        alphabet: Alphabet,
        approved: Ints,
        rejected: Ints,
        *,
        approved_segment: Ints | None = None,
        rejected_segment: Ints | None = None,
    ) -> ApprovalModel:
        """From past answers of the same person.

        Args:
            approved, rejected: int[idea, attribute], option codes of what was approved and refused, in any segment; one row
                per answer (an idea that was asked about twice has two).
            approved_segment, rejected_segment: int[idea], positions in `alphabet.segments`; both or neither.

        Raises:
            BadData: codes of another shape, or beyond the alphabet; segments for one kind of answer only.
        """
        yes, no = (_codes(alphabet, c, n) for c, n in ((approved, "approved"), (rejected, "rejected")))
        if (approved_segment is None) != (rejected_segment is None):
            raise BadData("approval: segments are given for one kind of answer only; give both or neither")
        seen = (alphabet.design(c).sum(axis=0).astype(np.int64) for c in (yes, no))
        counts_yes, counts_no = seen
        if not len(no):
            return cls(alphabet, counts_yes, counts_no, 0.0, None, None)
        segment: Ints | None = None
        if approved_segment is not None and rejected_segment is not None:
            segment = np.concatenate([approved_segment, rejected_segment]).astype(np.int64)
            if len(segment) != len(yes) + len(no):
                raise BadData(f"approval: {len(yes) + len(no)} ideas but {len(segment)} segments")
        x = _design(alphabet, np.concatenate([yes, no]), segment)
        said = np.concatenate([np.ones(len(yes)), np.zeros(len(no))])
        found = [
            (*laplace(x, said, _prior_mean(alphabet), _prior(alphabet, v)), v) for v in VARIANCES.tolist()
        ]
        # The greatest evidence; of equal ones the smaller variance.
        mean, cov, _, variance = max(
            found, key=lambda f: f[2] - log(f[3] / USUAL_VARIANCE) ** 2 / (2 * SPREAD**2)
        )
        return cls(alphabet, counts_yes, counts_no, variance, mean, cov)

    @property
    def base_rate(self) -> float:
        """Share of all answers that were yes, with `USUAL_ANSWERS` at the usual rate; the mean of a Beta posterior."""
        yes, no = int(self.approved[0]), int(self.refused[0])
        return (USUAL_YES * USUAL_ANSWERS + yes) / (USUAL_ANSWERS + yes + no)

    def probability(self, codes: Ints, segment: Ints | None = None) -> Floats:
        """float[idea] in (0, 1): the chance of a yes, for codes int[idea, attribute] and, if known, segments int[idea]."""
        codes = _codes(self.alphabet, codes, "codes")
        if self.mean is None or self.cov is None:
            return np.full(len(codes), self.base_rate)
        x = _design(self.alphabet, codes, segment)
        variance = np.maximum(np.einsum("ij,jk,ik->i", x, self.cov, x), 0.0)
        return np.asarray(expit(x @ self.mean / np.sqrt(1.0 + pi * variance / 8)))

    def reasons(self, codes: Ints) -> str:
        """One sentence (no full stop) on what past answers say about one idea, int[attribute]."""
        yes, no = int(self.approved[0]), int(self.refused[0])
        if self.mean is None:
            return f"a person refused none of {yes} ideas so far" if yes else "no idea was answered yet"
        chance = float(self.probability(codes[None])[0])
        sign = 1.0 if chance < self.base_rate else -1.0
        at, against = -1, 0.0
        for a, start in enumerate(self.alphabet.starts):
            options = self.mean[start : start + len(self.alphabet.options[a])]
            if codes[a] == UNKNOWN:
                continue
            moves = sign * float(options.mean() - options[codes[a]])
            column = int(start + codes[a])
            told = self.refused[column] if sign > 0 else self.approved[column]
            if told and moves > against:
                at, against = a, moves
        if at < 0:
            return f"a person refused {no} of {yes + no} ideas so far"
        column = int(self.alphabet.starts[at] + codes[at])
        verb, told = ("refused", self.refused) if sign > 0 else ("approved", self.approved)
        of = int(self.approved[column] + self.refused[column])
        option = f"{self.alphabet.attributes[at]}: {self.alphabet.options[at][int(codes[at])]}"
        return f"a person {verb} {int(told[column])} of {of} idea{'s' * (of > 1)} with {option}"


def laplace(x: Floats, said: Floats, prior_mean: Floats, prior: Floats) -> tuple[Floats, Floats, float]:
    """Mode, covariance and log evidence of a logistic regression with independent normal priors.

    Args:
        x: float[answer, weight]; said: float[answer], 1 yes, 0 no; prior_mean, prior: float[weight], means and variances.
    """

    def height(w: Floats) -> float:
        score = x @ w
        likely = float((said * score - np.logaddexp(0.0, score)).sum())
        return likely - 0.5 * float((np.square(w - prior_mean) / prior).sum())

    w, top = prior_mean.copy(), height(prior_mean)
    for _ in range(NEWTON_STEPS):
        p = expit(x @ w)
        slope = x.T @ (said - p) - (w - prior_mean) / prior
        step = np.linalg.solve(_curvature(x, p, prior), slope)
        size = 1.0
        # The log posterior is strictly concave: some part of Newton's step always climbs.
        while height(w + size * step) < top - CLOSE and size > 1e-6:
            size /= 2
        w = w + size * step
        top = height(w)
        if float(np.abs(step).max()) < CLOSE:
            break
    curvature = _curvature(x, expit(x @ w), prior)
    evidence = top - 0.5 * float(np.log(prior).sum() + np.linalg.slogdet(curvature)[1])
    return w, np.asarray(np.linalg.inv(curvature)), evidence


def known_codes(alphabet: Alphabet, genomes: Sequence[Mapping[str, str]]) -> tuple[Ints, Ints]:
    """Codes int[k, attribute] of the genomes whose options the alphabet holds, and which they are, int[k]."""
    kept, codes = [], []
    for i, genome in enumerate(genomes):
        try:
            codes.append(alphabet.encode([genome])[0])
        except (
            UnknownName
        ):  # an option that is neither in the space nor in any report teaches nothing about new ideas
            continue
        kept.append(i)
    width = len(alphabet.attributes)
    return np.array(codes, dtype=np.int64).reshape(len(kept), width), np.array(kept, dtype=np.int64)


def _curvature(x: Floats, p: Floats, prior: Floats) -> Floats:
    found = (x.T * (p * (1 - p))) @ x
    found[np.diag_indices_from(found)] += 1.0 / prior
    return found


def _prior_mean(alphabet: Alphabet) -> Floats:
    mean = np.zeros(alphabet.width + len(alphabet.segments))
    mean[0] = float(logit(USUAL_YES))
    return mean


def _prior(alphabet: Alphabet, variance: float) -> Floats:
    """Prior variances float[weight]."""
    parts = (1, alphabet.width - 1, len(alphabet.segments))
    return np.repeat([BASE_VARIANCE, variance, SEGMENT_SHARE * variance], parts)


def _design(alphabet: Alphabet, codes: Ints, segment: Ints | None) -> Floats:
    """float[idea, weight]; an idea whose segment is not said has none of the segments' columns."""
    where = np.zeros((len(codes), len(alphabet.segments)))
    if segment is not None:
        where[np.arange(len(codes)), segment] = 1.0
    return np.concatenate([alphabet.design(codes), where], axis=1)


def _codes(alphabet: Alphabet, codes: Ints, name: str) -> Ints:
    width = len(alphabet.attributes)
    found = np.asarray(codes, dtype=np.int64)
    if not found.size:
        return np.zeros((0, width), dtype=np.int64)
    if found.ndim != 2 or found.shape[1] != width:
        raise BadData(
            f"approval, {name}: expected option codes by idea and {width} attributes, got {found.shape}"
        )
    most = np.array([len(o) for o in alphabet.options])
    if (found < UNKNOWN).any() or (found >= most).any():
        i, a = np.argwhere((found < UNKNOWN) | (found >= most))[0]
        raise BadData(
            f"approval, {name}[{i}]: {alphabet.attributes[a]!r} has {most[a]} options, got code {found[i, a]}"
        )
    return found
