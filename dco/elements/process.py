"""What the sum over options leaves out: pairs of options and the looks of creatives, as a Gaussian process over arms.

On top of `gaussian`'s x (w_0 + w_s), with M the number of attributes in which two arms agree, A attributes and
same = [one segment],

    K = (pair + own_pair same) M (M - 1) / (A (A - 1)) + look exp(-|z - z'|^2 / (2 F)) + arm [one arm]

`pair` and `own_pair` are the variance of all pairs of a genome together; z are F standardised features. Solved in data
space for the most informative ("active") arms; the others tell about the sum over options first (their pairs and looks
count as noise), and that posterior is the prior here (`components.pose`). Where all are active it is the exact posterior.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular

from dco.elements.gaussian import Posterior, Variances
from dco.stats.eigen import symmetric_root

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Rows(NamedTuple):
    """Arms or genomes: segment int[row], design float[row, width], features float[row, feature] (NaN: unknown) or None."""

    segment: Ints
    x: Floats
    looks: Floats | None = None

    def take(self, rows: Ints) -> Rows:
        return Rows(self.segment[rows], self.x[rows], None if self.looks is None else self.looks[rows])


class Base(NamedTuple):
    """The weights' distribution before the active arms speak: u_s = mean_s + follow_s (w_0 - common) + N(0, rest_s)."""

    common: Floats  # [width]
    common_cov: Floats  # [width, width]
    mean: Floats  # [segment, width]
    follow: Floats  # [segment, width, width]
    rest: Floats  # [segment, width, width]

    def with_rows(self, segment: int, rows: Rows) -> Floats:
        """float[width, row]: covariance of a segment's weights (segment -1: of the common ones) with x u of rows."""
        z = self.spread(rows)
        if segment < 0:
            return self.common_cov @ z.T
        found = self.follow[segment] @ (self.common_cov @ z.T)
        here = rows.segment == segment
        found[:, here] += self.rest[segment] @ rows.x[here].T
        return found

    def spread(self, rows: Rows) -> Floats:
        """float[row, width]: x follow, how x u of each row goes with w_0."""
        out = np.empty_like(rows.x)
        for s in np.unique(rows.segment):
            here = rows.segment == s
            out[here] = rows.x[here] @ self.follow[s]
        return out

    def covariance(self, rows: Rows) -> Floats:
        """float[row, row] of x u."""
        z = self.spread(rows)
        found = z @ self.common_cov @ z.T
        for s in np.unique(rows.segment):
            here = np.flatnonzero(rows.segment == s)
            found[np.ix_(here, here)] += rows.x[here] @ self.rest[s] @ rows.x[here].T
        return found

    def fitted(self, rows: Rows) -> Floats:
        return np.asarray((rows.x * self.mean[rows.segment]).sum(axis=1))


def pairs_in_common(a: Rows, b: Rows, attributes: int) -> Floats:
    """float[row of a, row of b]: share of all pairs of attributes in which both agree."""
    agree = a.x[:, 1:] @ b.x[:, 1:].T
    return np.asarray(agree * (agree - 1) / max(attributes * (attributes - 1), 1))


def likeness(a: Rows, b: Rows) -> Floats:
    """float[row of a, row of b] in [0, 1]; 0 where features are unknown."""
    found = np.zeros((len(a.x), len(b.x)))
    if a.looks is None or b.looks is None:
        return found
    left, right = (np.flatnonzero(np.isfinite(v).all(axis=1)) for v in (a.looks, b.looks))
    p, q = a.looks[left], b.looks[right]
    apart = (p**2).sum(1)[:, None] + (q**2).sum(1) - 2 * p @ q.T
    found[np.ix_(left, right)] = np.exp(-np.maximum(apart, 0.0) / (2 * max(p.shape[1], 1)))
    return found


def standardised(features: Floats) -> Floats:
    """float[arm, feature] of mean 0 and sd 1 over the arms that have features (the others: NaN); constant columns dropped."""
    known = np.isfinite(features).all(axis=1)
    if known.sum() < 2:
        return np.full((len(features), 1), np.nan)
    sd = features[known].std(axis=0)
    scale = np.abs(features[known]).max(axis=0)
    keep = sd > 1e-9 * np.maximum(scale, 1e-300)
    if not keep.any():
        return np.full((len(features), 1), np.nan)
    return np.asarray((features[:, keep] - features[known][:, keep].mean(axis=0)) / sd[keep])


@dataclass(frozen=True)
class Process:
    """The posterior. `weight` float[active] is K^-1 (response - prior mean); `factor` the Cholesky factor of K."""

    rows: Rows  # the active arms
    base: Base
    variances: Variances
    attributes: int
    noise: Floats  # [active] sampling variance and what is each arm's own, looks excluded
    factor: Floats  # [active, active] lower
    weight: Floats  # [active]

    def means(self, rows: Rows) -> Floats:
        """float[row]: posterior mean of the log rate but for the arm's own effect."""
        found = np.empty(len(rows.x))
        for s in np.unique(rows.segment):
            here = np.flatnonzero(rows.segment == s)
            x = rows.x[here]
            found[here] = x @ self.weights[s] + (x @ self.pairs[s] * x).sum(axis=1) / 2
        if self.rows.looks is not None and self.variances.look > 0:
            found += self.variances.look * (likeness(rows, self.rows) @ self.weight)
        return found

    def moments(self, rows: Rows) -> tuple[Floats, Floats]:
        """Posterior mean float[row] and covariance float[row, row] of the same; all rows in one segment."""
        s, v = int(rows.segment[0]) if len(rows.segment) else 0, self.variances
        cross = rows.x @ self._cross[s]
        same = np.where(self.rows.segment == s, v.pair + v.own_pair, v.pair)
        cross += pairs_in_common(rows, self.rows, self.attributes) * same
        prior = self.base.covariance(rows)
        prior += (v.pair + v.own_pair) * pairs_in_common(rows, rows, self.attributes)
        if self.rows.looks is not None:
            cross += v.look * likeness(rows, self.rows)
            prior += v.look * likeness(rows, rows)
        half = solve_triangular(self.factor, cross.T, lower=True, check_finite=False)
        return self.base.fitted(rows) + cross @ self.weight, prior - half.T @ half

    @cached_property
    def weights(self) -> Floats:
        """float[segment, width]: posterior mean of the options' weights, pairs apart."""
        return np.stack([self._moved(s, self.weight) for s in range(len(self.base.mean))])

    @cached_property
    def pairs(self) -> Floats:
        """float[segment, width, width], symmetric: posterior mean of the pairs' effects; 0 within an attribute."""
        return np.stack([self.table(s, self.weight) for s in range(len(self.base.mean))])

    def _moved(self, s: int, weight: Floats) -> Floats:
        """The mean weights of a segment when the active arms pull with `weight`."""
        return np.asarray(self.base.mean[s] + self._cross[s] @ weight)

    @cached_property
    def _cross(self) -> tuple[Floats, ...]:
        """Per segment float[width, active]: covariance of its weights with the active arms."""
        return tuple(self.base.with_rows(s, self.rows) for s in range(len(self.base.mean)))

    def table(self, s: int, weight: Floats) -> Floats:
        """float[width, width]: the pairs' effects in a segment when the active arms pull with `weight`."""
        v, x = self.variances, self.rows.x
        pull = weight * np.where(self.rows.segment == s, v.pair + v.own_pair, v.pair)
        found = (x.T * pull) @ x * (2.0 / max(self.attributes * (self.attributes - 1), 1))
        found[0] = found[:, 0] = 0.0
        np.fill_diagonal(found, 0.0)
        return np.asarray(found)

    def marginal(self, design_starts: Ints, sizes: Ints) -> Posterior:
        """Posterior of the options' weights with their pairs averaged over the partners' options: what `effects` tells."""
        n_segments = len(self.base.mean)
        column = np.repeat(np.arange(len(sizes)), sizes)  # attribute of each option column
        inverse = 1.0 / sizes.astype(float)
        per_pair = 2.0 / max(self.attributes * (self.attributes - 1), 1)
        known = np.add.reduceat(self.rows.x[:, 1:], design_starts - 1, axis=1)  # [active, attribute]
        partners = (known * inverse).sum(axis=1)[
            :, None
        ] - known * inverse  # mean weight of the other attributes
        touched = self.rows.x[:, 1:] * partners[:, column] * per_pair
        prior = np.outer(inverse[column], inverse[column]) * (column[:, None] != column)
        np.fill_diagonal(prior, inverse.sum() - inverse[column])
        prior *= per_pair
        means, covs = [], []
        for s in range(-1, n_segments):
            v = self.variances
            size = v.pair + (v.own_pair if s >= 0 else 0.0)
            pull = np.where((self.rows.segment == s) & (s >= 0), size, v.pair)
            cross = self.base.with_rows(s, self.rows)
            cross[1:] += (touched * pull[:, None]).T
            b = self.base
            cov = b.common_cov if s < 0 else b.follow[s] @ b.common_cov @ b.follow[s].T + b.rest[s]
            cov = cov.copy()
            cov[1:, 1:] += size * prior
            half = solve_triangular(self.factor, cross.T, lower=True, check_finite=False)
            means.append((b.common if s < 0 else b.mean[s]) + cross @ self.weight)
            covs.append(cov - half.T @ half)
        return Posterior(means[0], covs[0], np.stack(means[1:]), np.stack(covs[1:]), float("nan"))

    @cached_property
    def _roots(self) -> tuple[Floats, tuple[Floats, ...], Floats]:
        """Square roots of what a draw needs: common_cov, each segment's rest, and the noise with the looks."""
        if self.rows.looks is not None and self.variances.look > 0:
            noise = self.variances.look * likeness(self.rows, self.rows)
            noise[np.diag_indices_from(noise)] += self.noise
            noise = np.asarray(np.linalg.cholesky(noise), dtype=float)
        else:
            noise = np.sqrt(self.noise)
        return symmetric_root(self.base.common_cov), tuple(map(symmetric_root, self.base.rest)), noise

    def draw(self, segment: int, temperature: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Weights float[width] and pairs' effects float[width, width] of one segment, drawn jointly by Matheron's rule.

        A draw of the prior is corrected by what it misses at the active arms; scaling the draw and its noise by the
        temperature gives mean + temperature (draw - mean).
        """
        common, rests, noise = self._roots
        width, v, rows = len(common), self.variances, self.rows
        per_pair = 2.0 / max(self.attributes * (self.attributes - 1), 1)
        shared = temperature * (common @ rng.standard_normal(width))
        pair = _symmetric(rng, width, temperature * np.sqrt(v.pair * per_pair))
        seen = np.zeros(len(rows.x))
        weights, pairs = np.zeros(width), np.zeros((width, width))
        for s in range(len(self.base.mean)):
            own = self.base.follow[s] @ shared + temperature * (rests[s] @ rng.standard_normal(width))
            both = pair + _symmetric(rng, width, temperature * np.sqrt(v.own_pair * per_pair))
            here = rows.segment == s
            x = rows.x[here]
            seen[here] = x @ own + (x @ both * x).sum(axis=1) / 2
            if s == segment:
                weights, pairs = own, both
        z = rng.standard_normal(len(seen))
        seen += temperature * (noise @ z if noise.ndim == 2 else noise * z)
        pull = self.weight - cho_solve((self.factor, True), seen, check_finite=False)
        return self._moved(segment, pull) + weights, self.table(segment, pull) + pairs


def _symmetric(rng: np.random.Generator, width: int, sd: float) -> Floats:
    """A symmetric matrix of normal draws with a zero first row, column and diagonal."""
    found = rng.standard_normal((width, width))
    found = found + found.T
    found *= sd / np.sqrt(2.0)
    found[0] = found[:, 0] = 0.0
    np.fill_diagonal(found, 0.0)
    return found
