"""The arms' log rates by Newton's iteration: with sums over options and arm effects, and with pairs and looks on top."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dco.elements import components
from dco.elements.gaussian import (
    Design,
    Posterior,
    Variances,
    learn_variances,
    posterior,
    segment_means,
    statistics,
)
from dco.elements.process import Process, Rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEWTON_STEPS = 8
CLOSE = 1e-4
"""Change of a log rate at which a round ends."""
BEYOND_STEPS = 4
"""From the fit without the terms: log rates move by hundredths, and each step is a system of all active arms."""
LEARN_AT = 2
"""Newton step at which variances are learnt: by then the working responses are close to what they will be."""


class Arms(NamedTuple):
    """The arms' rates given the rest of a stage. Arrays are [arm]."""

    posterior: Posterior
    variances: Variances
    eta: Floats  # log rate about the expectation
    precision: Floats
    residual: Floats


def fit_arms(
    design: Design,
    events: Floats,
    expected: Floats,
    eta: Floats,
    scale: float,
    variances: Variances,
    usual: Variances,
    missing: Ints,
    *,
    learn: bool,
) -> Arms:
    """Newton's iteration from `eta` until no log rate moves by `CLOSE`; events and expected (at log rate 0) are float[arm]."""
    for step in range(NEWTON_STEPS):
        response, sampling = _working(events, expected, eta, scale)
        if learn and step == LEARN_AT:
            blurred = sampling + missing * (variances.shared + variances.own)
            variances = learn_variances(design, response, blurred, variances, usual)
        own = variances.arm + missing * (variances.shared + variances.own)
        known = statistics(design, response, sampling + own)
        by_options = design.fitted(segment_means(known, variances))
        trust = own / (own + sampling)
        fresh = by_options + trust * (response - by_options)
        moved = float(np.abs(fresh - eta).max()) if len(eta) else 0.0
        eta = fresh
        if (step > LEARN_AT or not learn) and moved < CLOSE:
            break
    return Arms(posterior(known, variances), variances, eta, 1.0 / sampling, response - by_options)


def fit_beyond(
    design: Design,
    rows: Rows,
    events: Floats,
    expected: Floats,
    start: Arms,
    scale: float,
    usual: Variances,
    terms: tuple[str, ...],
    missing: Ints,
    attributes: int,
    *,
    learn: bool,
) -> tuple[Arms, Process]:
    """Newton's iteration with the terms of `process`, from the fit without them; their variances are learnt at its first step."""
    eta, plain = start.eta, start.variances
    mine = {t: getattr(usual, t) for t in terms}
    variances = plain._replace(arm=max(plain.arm - sum(mine.values()), plain.arm / 3), **mine)
    blur = missing * (plain.shared + plain.own)
    for step in range(BEYOND_STEPS):
        response, sampling = _working(events, expected, eta, scale)
        problem = components.pose(design, rows, response, sampling + blur, plain, terms, attributes)
        if learn and step == 0:
            variances = components.learn(problem, variances, usual)
        alone = variances.arm + blur + components.alone(rows, variances, terms, attributes)
        process = components.solve(problem, variances)
        smooth = process.means(rows)
        fresh = smooth + alone / (alone + sampling) * (response - smooth)
        moved = float(np.abs(fresh - eta).max())
        eta = fresh
        if moved < CLOSE:
            break
    return Arms(start.posterior, variances, eta, 1.0 / sampling, response - smooth), process


def _working(events: Floats, expected: Floats, eta: Floats, scale: float) -> tuple[Floats, Floats]:
    """Newton's working responses about log rates float[arm], and their sampling variances."""
    mu = expected * np.exp(eta)
    response = eta + np.clip((events - mu) / np.maximum(mu, 1e-9), -1.0, 3.0)
    return np.where(mu > 1e-6, response, 0.0), scale / np.maximum(mu, 1e-6)
