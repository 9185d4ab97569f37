"""One stage of the element model: events per exposure of every arm, Poisson with a log-linear mean.

    y_i ~ Poisson(n_i exp(m0 + x_i (w_0 + w_s) + e_i))    fitted by Laplace's method (Newton on the working responses).

Arm-days are weighted by what they can tell (`noise.Scatter`), and the scatter left divides events and exposure alike
(quasi-Poisson); day effects and wear enter the exposure. On request the
terms of `process` (pairs of options, looks of creatives) are added once days and wear are known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dco.elements.alphabet import Alphabet
from dco.elements.evidence import Sums, p_equal, p_usual
from dco.elements.gaussian import Design, Posterior, Variances
from dco.elements.newton import Arms, fit_arms, fit_beyond
from dco.elements.noise import Scatter, day_effects, scatter
from dco.elements.process import Process, Rows
from dco.elements.wear import WEAR_DAYS, estimate_wear, wear_offset

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

USUAL = Variances(shared=0.008, own=0.003, arm=0.01, pair=0.004, own_pair=0.002, look=0.004)
"""What comparable campaigns show: about .25 log-sd between creatives of six attributes, some of it beyond them."""

LIKE_OTHERS = 30.0
"""Events' worth of belief that an arm is like its segment's others while places are judged: a log-sd of .18."""
PLACE_TURNS, PLACE_CLOSE = 50, 1e-4


@dataclass(frozen=True)
class Cells:
    """Arm-days. `group` numbers the segment-days, `place` segment, placement and size; `age`: days since the arm's first."""

    arm: Ints
    group: Ints
    place: Ints
    age: Floats
    exposure: Floats
    events: Floats


@dataclass(frozen=True)
class Rates:
    """A fitted stage. Arrays named by arm follow the rows that were fitted."""

    alphabet: Alphabet
    level: float  # m0, log events per exposure
    posterior: Posterior
    variances: Variances
    dispersion: float  # `noise.Scatter.phi`
    kappa: float  # `noise.Scatter.kappa`: the most that a day tells of an arm is 1 / kappa
    heard: Floats  # [cell] how much of each cell counts, `noise.Scatter.heard`
    wear: float  # log-rate lost per log1p(age / WEAR_DAYS)
    days: Floats  # [group] log effects
    precision: Floats  # [arm] information about the arm itself, expected events / dispersion
    residual: Floats  # [arm] working response less the option effects
    p_equal: float  # probability of this scatter between arms if all were equal
    p_usual: float  # that they differ by a usual amount, rather than not at all
    process: Process | None = (
        None  # pairs and looks, where asked for; `posterior` then tells options over average partners
    )
    looks: Floats | None = None  # [arm, feature] standardised, NaN where unknown

    def moments(self, segment: int, codes: Ints, arm: Ints) -> tuple[Floats, Floats]:
        """Mean and covariance of the log rate (about `level`) of genomes in one segment.

        Args:
            codes: int[genome, attribute]; arm: int[genome], fitted row that each genome is, -1 for a new arm.
        """
        x, own = self.alphabet.design(codes), self._own(codes, arm)
        trust = self._trust(arm, own)
        if self.process is not None:
            mean, cov = self.process.moments(self._rows(segment, x, arm))
            mean += trust * self._residual(arm)
            cov *= np.outer(1.0 - trust, 1.0 - trust)
        else:
            mean = self._mean(segment, x, arm, trust)
            spread = (1.0 - trust)[:, None] * x
            cov = spread @ self.posterior.cov[segment] @ spread.T
        cov[np.diag_indices_from(cov)] += own * (1.0 - trust)
        return mean, cov

    def means(self, segment: int, codes: Ints, arm: Ints) -> Floats:
        """The means of `moments` alone."""
        return self._mean(segment, self.alphabet.design(codes), arm, self._trust(arm, self._own(codes, arm)))

    def promised(self, segment: Ints, codes: Ints) -> tuple[Floats, Floats]:
        """What options alone say of arms, each in its segment: mean float[arm] of the log rate, and its variance."""
        mean, variance = np.zeros(len(codes)), np.zeros(len(codes))
        for s in np.unique(segment):
            at = np.flatnonzero(segment == s)
            mean[at], cov = self.moments(int(s), codes[at], np.full(len(at), -1))
            variance[at] = np.diag(cov)
        return mean, variance

    def _mean(self, segment: int, x: Floats, arm: Ints, trust: Floats) -> Floats:
        if self.process is not None:
            smooth = self.process.means(self._rows(segment, x, arm))
        else:
            smooth = x @ self.posterior.mean[segment]
        return np.asarray(smooth + trust * self._residual(arm))

    def _residual(self, arm: Ints) -> Floats:
        return np.where(arm >= 0, self.residual[arm], 0.0) if len(self.residual) else np.zeros(len(arm))

    def _rows(self, segment: int, x: Floats, arm: Ints) -> Rows:
        looks = None
        if self.looks is not None:
            looks = np.where((arm >= 0)[:, None], self.looks[arm], np.nan)
        return Rows(np.full(len(x), segment), x, looks)

    def _own(self, codes: Ints, arm: Ints) -> Floats:
        """float[genome]: variance of what is each arm's own, unknown options, pairs and looks included."""
        v = self.variances
        own = np.asarray(v.arm + unknown_options(codes) * (v.shared + v.own), dtype=float)
        if self.process is None:
            return own
        n = codes.shape[1]
        known = (codes >= 0).sum(axis=1)
        own += (v.pair + v.own_pair) * (1.0 - known * (known - 1) / max(n * (n - 1), 1))
        if self.looks is not None:
            seen = np.isfinite(self.looks[arm]).all(axis=1) & (arm >= 0)
            own += np.where(seen, 0.0, v.look)
        return own

    def _trust(self, arm: Ints, own: Floats) -> Floats:
        """How far an arm's own data stand against its options: 0 for a new arm, towards 1 with its counts."""
        known = np.where(arm >= 0, self.precision[arm], 0.0) if len(self.precision) else np.zeros(len(arm))
        return own * known / (own * known + 1.0)


def unknown_options(codes: Ints) -> Ints:
    """int[genome]: attributes whose option is not known."""
    return np.asarray((codes < 0).sum(axis=1))


def fit_rates(
    alphabet: Alphabet,
    segment: Ints,
    codes: Ints,
    cells: Cells,
    *,
    n_groups: int,
    usual: Variances = USUAL,
    rounds: int = 3,
    learn: bool = True,
    learn_between: bool = True,
    wear: bool = True,
    pairs: bool = False,
    looks: Floats | None = None,
) -> Rates:
    """Fit one stage.

    Args:
        segment: int[arm]; codes: int[arm, attribute]; cells: the arm-days of those arms.
        rounds: alternations between day effects, wear, dispersion and the arms' rates.
        learn: whether variances are learnt by evidence (else `usual` holds), in every round, or without
            `learn_between` in the first and the last one only.
        pairs: whether pairs of options have effects. looks: float[arm, feature] of `process.standardised`, or None.
    """
    n_arms, n_segments = len(segment), len(alphabet.segments)
    design = Design.of(alphabet.design(codes), segment, n_segments)
    total = float(cells.exposure.sum())
    level = float(np.log(max(float(cells.events.sum()), 0.5) / total)) if total > 0 else 0.0
    plain = usual._replace(pair=0.0, own_pair=0.0, look=0.0)  # until their terms are asked for, below
    days, lost, variances = np.zeros(n_groups), 0.0, plain
    n_places = int(cells.place.max(initial=0)) + 1
    if n_places > n_segments and total > 0:
        cells = replace(cells, exposure=cells.exposure * np.exp(_places(cells, segment, n_places)))
    eta, missing = np.zeros(n_arms), unknown_options(codes)
    whole, noise, heard = cells, Scatter(1.3, 0.0), np.ones(len(cells.arm))
    found: Arms | None = None
    rounds = rounds if total > 0 else 1
    for turn in range(rounds):
        base = cells.exposure * np.exp(level + days[cells.group] + wear_offset(lost, cells.age))
        expected = np.bincount(cells.arm, base, n_arms).astype(float)
        events = np.bincount(cells.arm, cells.events, n_arms).astype(float)
        if turn == 0:
            eta = np.log((events + 5.0) / (expected + 5.0))
        again = learn and (learn_between or turn in (0, rounds - 1))
        found = fit_arms(design, events, expected, eta, noise.phi, variances, usual, missing, learn=again)
        eta, variances = found.eta, found.variances
        rate = whole.exposure * np.exp(level + eta[cells.arm] + wear_offset(lost, cells.age))
        mu = rate * np.exp(days[cells.group])
        noise = scatter(whole.events, mu, n_arms + n_groups)
        heard = noise.heard(mu)
        # Weighted so, every cell's variance is phi times its expectation: the rest of the fit is quasi-Poisson.
        cells = replace(whole, exposure=whole.exposure * heard, events=whole.events * heard)
        rate = rate * heard
        days = day_effects(cells.group, cells.events, rate, n_groups, noise.phi)
        if wear and turn + 1 < rounds:
            own = np.asarray(variances.arm + missing * (variances.shared + variances.own), float)
            by_options = eta - found.residual * own * found.precision / (own * found.precision + 1.0)
            without = cells.exposure * np.exp(level + by_options[cells.arm] + days[cells.group])
            lost = estimate_wear(
                cells.arm, cells.group, segment, cells.age, cells.events, without, own, noise.phi
            )
    if found is None:
        raise AssertionError("a fit has at least one round")
    terms = (("pair", "own_pair") if pairs and codes.shape[1] > 1 else ()) + (
        ("look",) if looks is not None else ()
    )
    process = None
    if terms and n_arms:
        base = cells.exposure * np.exp(level + days[cells.group] + wear_offset(lost, cells.age))
        expected = np.bincount(cells.arm, base, n_arms).astype(float)
        rows = Rows(segment, alphabet.design(codes), looks)
        found, process = fit_beyond(
            design,
            rows,
            events,
            expected,
            found,
            noise.phi,
            usual,
            terms,
            missing,
            codes.shape[1],
            learn=learn,
        )
        sizes = np.array([len(o) for o in alphabet.options])
        found = found._replace(posterior=process.marginal(alphabet.starts, sizes))
        variances = found.variances
    flat = cells.exposure * np.exp(level + days[cells.group] + wear_offset(lost, cells.age))
    sums = Sums.of(segment, cells.arm, cells.events, flat, noise.phi, n_segments)
    return Rates(
        alphabet, level, found.posterior, variances, noise.phi, noise.kappa, heard, lost, days, found.precision, found.residual, p_equal(sums),
        p_usual(sums), process, looks,
    )  # fmt: skip


def _places(cells: Cells, segment: Ints, n_places: int) -> Floats:
    """float[cell]: log base rate of the cell's placement and size against its segment's; 0 where there is only one.

    Arms may run in unlike mixes of places, better arms in worse ones: arms and places are fitted in turns (Poisson, both
    multiplicative), so that a place is judged by what the same arms do elsewhere. Arms are held near their segment's
    rate by `LIKE_OTHERS` events, which decides only where an arm was never anywhere else.
    """
    where, n_arms = segment[cells.arm], len(segment)
    exposure, events = (np.bincount(where, v) for v in (cells.exposure, cells.events))
    flat = cells.exposure * ((events + 0.5) / np.maximum(exposure, 1.0))[where]
    by_arm, by_place = (
        np.bincount(k, cells.events, n) for k, n in ((cells.arm, n_arms), (cells.place, n_places))
    )
    arm = np.ones(n_arms)
    for _ in range(PLACE_TURNS):
        expected = np.bincount(cells.place, flat * arm[cells.arm], n_places)
        place = (by_place + 0.5) / (expected + 0.5)
        expected = np.bincount(cells.arm, flat * place[cells.place], n_arms)
        fresh = (by_arm + LIKE_OTHERS) / (expected + LIKE_OTHERS)
        moved, arm = float(np.abs(np.log(fresh / arm)).max()), fresh
        if moved < PLACE_CLOSE:
            break
    effect = day_effects(cells.place, cells.events, flat * arm[cells.arm], n_places, 1.3)
    return np.asarray(effect[cells.place])


__all__ = ["USUAL", "WEAR_DAYS", "Cells", "Rates", "fit_rates"]
