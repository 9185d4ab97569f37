"""Bandit libraries beside which the engine is timed, where they are installed: the same log, the same number of arms.

Each is used in batches, its fastest documented way. MABWiser and bayesianbandits draw from every arm's posterior for every
decision; contextualbandits has no policy without features, so its LinTS gets one constant feature.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
HOW_TO_GET = "pip install 'dco[peers]'"


class Peer(NamedTuple):
    """`update` makes a fresh bandit know the whole log; `decide` returns `decisions` arms."""

    update: Callable[[], Any]
    decide: Callable[[], Any]
    decisions: int


def mabwiser(arm: Ints, click: Ints, n_arms: int, decisions: int) -> Peer:
    mab = import_module("mabwiser.mab")

    def update() -> Any:
        return mab.MAB(list(range(n_arms)), mab.LearningPolicy.ThompsonSampling(), seed=1).fit(arm, click)

    known = mab.MAB(list(range(n_arms)), mab.LearningPolicy.ThompsonSampling(), seed=1)
    known.fit(arm, click)
    asked = np.zeros((decisions, 1))
    return Peer(update, lambda: known.predict(asked), decisions)


def bayesianbandits(arm: Ints, click: Ints, n_arms: int, decisions: int) -> Peer:
    lib = import_module("bayesianbandits")
    decisions = max(decisions // 5, 1)

    def update() -> Any:
        arms = [
            lib.Arm(
                k, learner=lib.DirichletClassifier({0: 1, 1: 1}), reward_function=lambda drawn: drawn[..., 1]
            )
            for k in range(n_arms)
        ]
        agent = lib.ContextualAgent(arms, lib.ThompsonSampling(), random_seed=1)
        order = np.argsort(arm, kind="stable")
        borders = np.searchsorted(arm[order], np.arange(1, n_arms))
        for k, of_arm in enumerate(np.split(click[order], borders)):
            if len(of_arm):
                agent.select_for_update(k).update(np.ones((len(of_arm), 1)), of_arm)
        return agent

    known, asked = update(), np.ones((decisions, 1))
    return Peer(update, lambda: known.pull(asked), decisions)


def contextualbandits(arm: Ints, click: Ints, n_arms: int, decisions: int) -> Peer:
    online = import_module("contextualbandits.online")
    constant = np.ones((len(arm), 1))

    def update() -> Any:
        policy = online.LinTS(n_arms, fit_intercept=False, beta_prior=None, random_state=1)
        return policy.fit(constant, arm, click)

    known, asked = update(), np.ones((decisions, 1))
    return Peer(update, lambda: known.predict(asked), decisions)


PEERS: dict[str, Callable[[Ints, Ints, int, int], Peer]] = {
    "MABWiser": mabwiser,
    "bayesianbandits": bayesianbandits,
    "contextualbandits": contextualbandits,
}


def installed(name: str) -> bool:
    return find_spec(name.lower()) is not None
