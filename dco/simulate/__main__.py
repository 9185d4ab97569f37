"""`python -m dco.simulate`: engine against baselines on simulated markets, by paired seeds. Prints a table."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pkgutil import resolve_name
from time import process_time
from typing import Any

import numpy as np

from dco import registry
from dco.simulate import baselines
from dco.simulate.loop import MarketLike, Night, Result, run

ENGINE = "dco.plan.optimizer:Optimizer"
"""The engine lies above this room, so it is named by its path and not imported."""


MAX_LIVE = 12
"""Live arms per segment: six starting arms that the holdout keeps, and six places for what is learnt."""


REFRESH_RATE = 1.0
"""New creatives per segment and night of the control that refreshes at random."""


def deciders(market: MarketLike, engine: str, kpi: str, max_live: int) -> dict[str, Callable[[Night], Any]]:
    """Name -> decider, all for one market."""
    settings = {"segments": market.segments, "kpi": kpi, "max_live": max_live}
    made = resolve_name(engine)(market.space, settings)
    return {
        "engine": lambda n: made.plan(n.history, n.live, n.pending, n.rejected, n.day, n.rng),
        "random refresh": baselines.random_refresh(market.space, REFRESH_RATE, max_live=max_live),
        "Thompson, fixed pool": baselines.thompson_beta,
        "A/B 7 days, commit": baselines.ab_then_commit(7),
    }


def compare(
    market: str,
    nights: int,
    seeds: int,
    *,
    engine: str = ENGINE,
    kpi: str | None = None,
    max_live: int = MAX_LIVE,
    costs: bool = True,
) -> dict[str, list[Result]]:
    """Every decider on the same markets, pools and seeds: name -> one result per seed.

    Args:
        kpi: None: what the market is meant to be judged by. costs: whether creatives cost what the market says.
    """
    found: dict[str, list[Result]] = {}
    for seed in range(seeds):
        truth = registry.load("markets", market)(seed=10_000 + seed)
        judged = kpi or truth.kpi
        cost = truth.creation_cost(judged) if costs else 0.0
        for name, decide in deciders(truth, engine, judged, max_live).items():
            rng = np.random.default_rng(seed)
            found.setdefault(name, []).append(run(truth, decide, nights, rng, kpi=judged, creation_cost=cost))
    return found


def table(market: str, nights: int, found: dict[str, list[Result]]) -> str:
    """The comparison in words and numbers: mean over seeds +- standard error; the share of the oracle's gain so far."""
    days = sorted({max(nights // 2, 1), nights})
    heads = "".join(f" {f'oracle gain by day {d}':>22}" for d in days)
    lines = [
        f"simulated market {market!r}, {nights} nights, {len(next(iter(found.values())))} paired seeds",
        f"  {'':<22} {'net, to equal split':>22}{heads} {'new creatives':>14} {'after week 1':>13}",
    ]
    for name, results in found.items():
        lift = np.array([r.lift for r in results])
        made, late = (np.mean([r.created[a:].sum() for r in results]) for a in (0, 7))
        shares = "".join(f" {_share(results, d):>22}" for d in days)
        lines.append(
            f"  {name:<22} {lift.mean():>+13.2%} +- {_se(lift):.2%}{shares} {made:>14.1f} {late:>13.1f}"
        )
    return "\n".join(lines)


def _share(results: list[Result], day: int) -> str:
    share = np.array([r.oracle_share_at(day) for r in results])
    return "nothing to gain" if np.isnan(share).all() else f"{np.nanmean(share):.3f} +- {_se(share):.3f}"


def _se(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else 0.0


def seconds_per_night(market: str, nights: int = 120) -> float:
    """CPU seconds of the loop itself per night: the decider splits equally, the references are known already."""
    truth = registry.load("markets", market)(seed=10_000)
    run(truth, baselines.equal, nights, np.random.default_rng(0))
    start = process_time()
    run(truth, baselines.equal, nights, np.random.default_rng(0))
    return (process_time() - start) / nights


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dco.simulate", description=__doc__)
    parser.add_argument(
        "--markets", default="additive,null", help=f"of {', '.join(registry.names('markets'))}, or all"
    )
    parser.add_argument("--nights", default="14,60")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument(
        "--kpi", choices=["ctr", "cpa", "roas", "revenue_per_impression"], help="default: the market's own"
    )
    parser.add_argument(
        "--max-live", type=int, default=MAX_LIVE, help="live arms per segment (default: %(default)s)"
    )
    parser.add_argument(
        "--time", action="store_true", help="only measure what a night of the loop itself costs"
    )
    given = parser.parse_args()
    markets = registry.names("markets") if given.markets == "all" else given.markets.split(",")
    for market in markets:
        if given.time:
            print(f"{market:<16} {1000 * seconds_per_night(market):.2f} CPU-ms per night", flush=True)
            continue
        for nights in map(int, given.nights.split(",")):
            found = compare(market, nights, given.seeds, kpi=given.kpi, max_live=given.max_live)
            print(table(market, nights, found), flush=True)


if __name__ == "__main__":
    main()
