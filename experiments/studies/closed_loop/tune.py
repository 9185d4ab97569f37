"""python -m experiments.studies.closed_loop.tune [--peer NAME]: every peer's grid on the development seeds; prints a table.

Judged by the net gain in percent over the equal split at the last night, mean over markets and seeds. Development seeds
are never those of the study.
"""

from __future__ import annotations

import argparse
from itertools import product
from typing import Any

import numpy as np

from dco import registry
from dco.simulate import oracle
from dco.simulate.loop import run
from experiments.studies.closed_loop.peers.genetic import genetic, random_refresh
from experiments.studies.closed_loop.peers.glm import glm
from experiments.studies.closed_loop.peers.lints import lints
from experiments.studies.closed_loop.runner import DEVELOPMENT_SEED, START

START_AT: dict[str, dict[str, Any]] = {
    "genetic": {"make": 2, "pool": 16, "half_life": None, "prior_clicks": 4.0, "mutation": 0.15, "tournament": 3},
    "LinTS": {"make": 2, "pool": 16, "half_life": None, "prior_sd": 0.15, "scale": 1.0},
    "EB GLM": {"make": 2, "pool": 16, "half_life": None, "scale": 1.0},
    "random refresh": {"make": 1, "pool": 16, "half_life": None, "prior_clicks": 4.0},
}  # fmt: skip
GRID: dict[str, dict[str, tuple[Any, ...]]] = {
    "genetic": {
        "prior_clicks": (1.0, 12.0), "pool": (10, 24), "half_life": (30.0,), "mutation": (0.05, 0.3),
        "repeat_days": (14,), "make": (1, 4), "tournament": (2, 5),
    },
    "LinTS": {
        "prior_sd": (0.07, 0.3), "scale": (0.3, 0.6), "pool": (10, 24), "half_life": (30.0,),
        "repeat_days": (14,), "make": (1, 4),
    },
    "EB GLM": {
        "scale": (0.3, 0.6), "pool": (10, 24), "half_life": (30.0,), "repeat_days": (14,), "make": (1, 4),
    },
    "random refresh": {"prior_clicks": (1.0, 12.0), "pool": (10, 24), "half_life": (30.0,)},
}  # fmt: skip
"""One value is changed at a time from the best so far, and kept when it gains more than a standard error."""
MAKERS = {"genetic": genetic, "LinTS": lints, "EB GLM": glm, "random refresh": random_refresh}


def lifts(peer: str, tuned: dict[str, Any], markets: list[Any], nights: int) -> np.ndarray:
    """Net gain over the equal split in percent, one per market and seed."""
    found = []
    for market in markets:
        decide = MAKERS[peer](market.space, tuple(market.segments), **tuned)
        rng = np.random.default_rng(market.seed)
        result = run(
            market, decide, nights, rng, start_per_segment=START, creation_cost=market.creation_cost()
        )
        found.append(100 * result.lift)
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", choices=list(MAKERS), action="append", help="default: all")
    parser.add_argument("--markets", default="additive,interactions,drift,sparse")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--nights", type=int, default=120)
    given = parser.parse_args()
    # Gains over the equal split need no oracle, which costs more than a peer's run.
    oracle._play = lambda market, start, nights, *rest: np.zeros(nights)  # type: ignore[assignment]
    markets = [
        registry.load("markets", name)(seed=DEVELOPMENT_SEED + k)
        for name, k in product(given.markets.split(","), range(given.seeds))
    ]
    for peer in given.peer or MAKERS:
        tuned = dict(START_AT[peer])
        best = lifts(peer, tuned, markets, given.nights)
        print(f"{peer}: {best.mean():+.2f} % {tuned}", flush=True)
        for key, values in GRID[peer].items():
            for value in values:
                trial = {**tuned, key: value}
                found = lifts(peer, trial, markets, given.nights)
                gap = found - best
                error = gap.std(ddof=1) / np.sqrt(len(gap))
                better = gap.mean() > error
                print(
                    f"  {key} = {value}: {found.mean():+.2f} %, {gap.mean():+.2f} +- "
                    f"{error:.2f}{' *' if better else ''}",
                    flush=True,
                )
                if better:
                    tuned, best = trial, found
        print(f"{peer}: {best.mean():+.2f} % {tuned}", flush=True)


if __name__ == "__main__":
    main()
