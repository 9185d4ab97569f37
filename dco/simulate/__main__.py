"""`python -m dco.simulate`: engine against baselines on simulated markets, by paired seeds. Prints a table."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

import numpy as np

from dco import registry
from dco.simulate import baselines
from dco.simulate.loop import MarketLike, Night, Result, run

ENGINE = "dco.plan.optimizer:Optimizer"
"""The engine lies above this room, so it is named by its path and not imported."""


MAX_LIVE = 12
"""Live arms per segment: six starting arms that the holdout keeps, and six places for what is learnt."""


def deciders(market: MarketLike, engine: str, kpi: str, max_live: int) -> dict[str, Callable[[Night], Any]]:
    """Name -> decider, all for one market."""
    made = resolve_name(engine)(market.space, {"segments": market.segments, "kpi": kpi, "max_live": max_live})
    return {
        "engine": lambda n: made.plan(n.history, n.live, n.pending, n.rejected, n.day, n.rng),
        "Thompson, fixed pool": baselines.thompson_beta,
        "A/B 7 days, commit": baselines.ab_then_commit(7),
    }


def compare(
    market: str, nights: int, seeds: int, *, engine: str = ENGINE, kpi: str = "ctr", max_live: int = MAX_LIVE
) -> dict[str, list[Result]]:
    """Every decider on the same markets, pools and seeds: name -> one result per seed."""
    found: dict[str, list[Result]] = {}
    for seed in range(seeds):
        truth = registry.load("markets", market)(seed=10_000 + seed)
        for name, decide in deciders(truth, engine, kpi, max_live).items():
            found.setdefault(name, []).append(
                run(truth, decide, nights, np.random.default_rng(seed), kpi=kpi)
            )
    return found


def table(market: str, nights: int, found: dict[str, list[Result]]) -> str:
    """The comparison in words and numbers: mean over seeds +- standard error."""
    lines = [
        f"simulated market {market!r}, {nights} nights, {len(next(iter(found.values())))} paired seeds",
        f"  {'':<22} {'against equal split':>22} {'share of oracle gain':>22} {'new creatives':>14} {'after week 1':>13}",
    ]
    for name, results in found.items():
        lift = np.array([r.lift for r in results])
        share = np.array([r.oracle_share for r in results])
        made, late = (np.mean([r.created[a:].sum() for r in results]) for a in (0, 7))
        oracle = "nothing to gain" if np.isnan(share).all() else f"{share.mean():.3f} +- {_se(share):.3f}"
        lines.append(
            f"  {name:<22} {lift.mean():>+13.2%} +- {_se(lift):.2%} {oracle:>22} {made:>14.1f} {late:>13.1f}"
        )
    return "\n".join(lines)


def _se(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dco.simulate", description=__doc__)
    parser.add_argument(
        "--markets", default="additive,null", help=f"of {', '.join(registry.names('markets'))}"
    )
    parser.add_argument("--nights", default="14,60")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--kpi", default="ctr", choices=["ctr", "cpa", "roas", "revenue_per_impression"])
    parser.add_argument(
        "--max-live", type=int, default=MAX_LIVE, help="live arms per segment (default: %(default)s)"
    )
    given = parser.parse_args()
    for market in given.markets.split(","):
        for nights in map(int, given.nights.split(",")):
            found = compare(market, nights, given.seeds, kpi=given.kpi, max_live=given.max_live)
            print(table(market, nights, found), flush=True)


if __name__ == "__main__":
    main()
