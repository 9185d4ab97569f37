"""dco study closed_loop [--quick | --full] [--ablate]: the engine against the strongest known loops on simulated markets.

A stopped study goes on where it stopped: every finished run is a line of runs.csv in the folder of results.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from dco import registry
from dco.errors import BadData, DcoError
from experiments.studies.closed_loop import report
from experiments.studies.closed_loop.deciders import ENGINE, PEERS, VARIANTS
from experiments.studies.closed_loop.runner import START, Size, study

HERE = Path(__file__).parent
QUICK = ("additive", "interactions", "drift", "sparse", "human_gate", "on_off", "null")
QUICK_SEEDS, FULL_SEEDS, NIGHTS = 6, 20, 120


def main() -> None:
    parser = argparse.ArgumentParser(prog="dco study closed_loop", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--quick", action="store_true",
        help=f"{', '.join(QUICK)}; {QUICK_SEEDS} seeds; within 10 minutes on 2 cores (the default)",
    )  # fmt: skip
    size.add_argument("--full", action="store_true", help=f"every market, {FULL_SEEDS} seeds")
    parser.add_argument("--ablate", action="store_true", help="variants of the engine instead of peers")
    parser.add_argument("--markets", help="comma-separated, instead of those of the size")
    parser.add_argument("--seeds", type=int, help="instead of those of the size")
    parser.add_argument("--nights", type=int, default=NIGHTS, help="default %(default)s")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="default: one per core")
    parser.add_argument("--out", type=Path, help="folder of runs.csv, RESULTS.md, results.csv, shares.svg")
    given = parser.parse_args()
    kind = ("full" if given.full else "quick") + ("_ablate" if given.ablate else "")
    out = given.out or HERE / "results" / kind
    markets = (
        given.markets.split(",") if given.markets else registry.names("markets") if given.full else QUICK
    )
    seeds = given.seeds or (FULL_SEEDS if given.full else QUICK_SEEDS)
    for name, least in (("seeds", seeds), ("nights", given.nights), ("workers", given.workers)):
        if least < 1:
            raise BadData(f"--{name}: expected at least 1, got {least}")
    for market in markets:
        registry.load("markets", market)
    names = [ENGINE, *(f"{ENGINE}: {v}" for v in VARIANTS)] if given.ablate else [ENGINE, *PEERS]
    began = time.monotonic()
    runs = study(markets, names, seeds, Size(given.nights, START), out, given.workers)
    print(report.write(report.of(runs, command(sys.argv[1:])), out))
    print(f"{(time.monotonic() - began) / 60:.1f} minutes; written to {out}", file=sys.stderr)


def command(options: list[str]) -> str:
    """The command as anyone would repeat it; where the results went is no part of it."""
    kept: list[str] = []
    skip = False
    for option in options:
        if skip or option.startswith(("--out=", "--workers=")):
            skip = False
        elif option in ("--out", "--workers"):
            skip = True
        else:
            kept.append(option)
    return " ".join(["dco study closed_loop", *(["--", *kept] if kept else [])])


if __name__ == "__main__":
    try:
        main()
    except DcoError as problem:
        sys.exit(str(problem))
