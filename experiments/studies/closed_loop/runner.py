"""Runs: one (market, seed, decider) each, in processes of their own, written as they finish, so that a stopped study goes on.

Every decider meets the same market, starting pool, equal split and oracle at a seed. A finished run is one line of
`runs.csv`; what is there already, of the same code and size, is not run again.
"""

from __future__ import annotations

import csv
import hashlib
import multiprocessing
import os
import queue
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

import dco
from dco import registry
from dco.errors import BadData
from dco.simulate.loop import Decision, Night, rows, run
from experiments.studies.closed_loop.deciders import ENGINE, REFRESH, Decide, Made, decider

FRESH_SEED = 70_000
"""Market seeds of the study: this one and those after it. Nothing was ever chosen on them."""
DEVELOPMENT_SEED = 1_000
START = 16
EVERY = 10
"""Nights between the points at which a run's sums are kept."""
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Size:
    """How large a run is."""

    nights: int = 120
    start: int = START


@dataclass(frozen=True)
class Run:
    """A finished run. Sums up to each of `days`, in the KPI's unit, costs of making subtracted from `value`."""

    code: str
    market: str
    decider: str
    seed: int
    nights: int
    start: int
    kpi: str
    segments: int
    days: tuple[int, ...]
    value: tuple[float, ...]
    equal: tuple[float, ...]
    oracle: tuple[float, ...]
    made: tuple[int, ...]
    live: int
    refused: int
    ms_per_night: float
    schedule: tuple[int, ...]
    """New creatives per night and segment (night-major), for those who repeat them."""

    @property
    def key(self) -> tuple[Any, ...]:
        return self.code, self.nights, self.start, self.market, self.seed, self.decider


class Watched:
    """A decider whose CPU time and proposals per segment are noted."""

    def __init__(self, decide: Decide, segments: Sequence[str]) -> None:
        self.decide, self.segments = decide, tuple(segments)
        self.seconds: list[float] = []
        self.made: dict[int, list[int]] = {}

    def __call__(self, night: Night) -> Decision:
        # Reading the history is the decider's cost; it is made when first asked for.
        began = time.process_time()
        found = self.decide(night)
        self.seconds.append(time.process_time() - began)
        names = [str(p["segment"]) for p in rows(found.proposals)]
        self.made[night.index] = [names.count(s) for s in self.segments]
        return found


def play(name: str, market: Any, size: Size, repeats: Made | None = None) -> Run:
    """One run of one decider; `repeats`: the schedule of new creatives that random refresh follows."""
    watched = Watched(decider(name, market, repeats), market.segments)
    rng = np.random.default_rng([market.seed, 9])
    found = run(
        market, watched, size.nights, rng, start_per_segment=size.start, creation_cost=market.creation_cost()
    )
    days = tuple(sorted({*range(EVERY, size.nights + 1, EVERY), size.nights}))

    def sums(values: np.ndarray) -> tuple[Any, ...]:
        # Nine digits: what a run is worth is not known better, and the ledger is half as long.
        return tuple(float(f"{v:.9g}") for v in np.cumsum(values)[np.array(days) - 1])

    made = tuple(np.cumsum(found.created)[np.array(days) - 1].tolist())
    return Run(
        "", market.name, name, market.seed, size.nights, size.start, market.kpi, len(market.segments),
        days, sums(found.engine), sums(found.equal), sums(found.oracle), made, int(found.live[-1]),
        int(found.refused.sum()), 1000 * float(np.mean(watched.seconds)),
        tuple(k for night in watched.made.values() for k in night) if name == ENGINE else (),
    )  # fmt: skip


def code(name: str) -> str:
    """Hash of the sources that a decider's run depends on."""
    rooms = ["simulate", "stats"]
    if name.startswith(ENGINE) or name == REFRESH:
        rooms += ["plan", "elements", "prompts", "bandits"]
    files = [p for room in rooms for p in sorted((Path(dco.__path__[0]) / room).rglob("*.py"))]
    files += sorted((HERE / "peers").glob("*.py")) if not name.startswith(ENGINE) else []
    digest = hashlib.sha256()
    for path in [*files, HERE / "deciders.py", HERE / "runner.py"]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def schedule_of(done: Run) -> Made:
    per_night = np.reshape(done.schedule, (done.nights, done.segments)).tolist()
    return dict(enumerate(per_night))


def work(market: str, seed: int, names: Sequence[str], size: Size, before: Run | None) -> Iterator[Run]:
    """Runs of some deciders on one market and seed, as they finish. `before`: the engine's run, if it is done already."""
    truth = registry.load("markets", market)(seed=FRESH_SEED + seed)
    for name in sorted(names, key=lambda n: n != ENGINE):
        if name == REFRESH and before is None:
            raise BadData(f"{REFRESH} repeats what the engine made; run {ENGINE!r} with it")
        found = play(name, truth, size, schedule_of(before) if name == REFRESH and before else None)
        before = found if name == ENGINE else before
        yield found


class Ledger:
    """`runs.csv`: read what is there, append what is new. Lists are numbers with blanks between them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns = [f.name for f in fields(Run)]
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(",".join(self.columns) + "\n", encoding="utf-8")
        else:
            self._mend()

    def _mend(self) -> None:
        """A line that was cut off when the study was stopped is taken off; its run is done again."""
        text = self.path.read_text(encoding="utf-8")
        if text.split("\n", 1)[0] != ",".join(self.columns):
            raise BadData(f"{self.path}: not the runs of this study (other columns); give another --out")
        if not text.endswith("\n"):
            self.path.write_text(text[: text.rfind("\n") + 1], encoding="utf-8")

    def read(self) -> list[Run]:
        with self.path.open(newline="", encoding="utf-8") as file:
            return [_parse(row) for row in csv.DictReader(file)]

    def append(self, done: Run) -> None:
        values = {k: " ".join(map(repr, v)) if isinstance(v, tuple) else v for k, v in asdict(done).items()}
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self.columns, lineterminator="\n").writerow(values)


def _parse(row: dict[str, str]) -> Run:
    lists: dict[str, Callable[[str], Any]] = {
        "days": int, "value": float, "equal": float, "oracle": float, "made": int, "schedule": int,
    }  # fmt: skip
    numbers: dict[str, Callable[[str], Any]] = dict.fromkeys(
        ("seed", "nights", "start", "segments", "live", "refused"), int
    ) | {"ms_per_night": float}
    values: dict[str, Any] = {}
    for key, text in row.items():
        if key in lists:
            values[key] = tuple(map(lists[key], text.split()))
        else:
            values[key] = numbers.get(key, str)(text)
    return Run(**values)


def study(
    markets: Sequence[str], names: Sequence[str], seeds: int, size: Size, out: Path, workers: int
) -> list[Run]:
    """All runs of the study, those of earlier calls included; in order of market, seed and decider."""
    ledger = Ledger(out / "runs.csv")
    codes = {name: code(name) for name in names}
    wanted = [
        (codes[n], size.nights, size.start, m, FRESH_SEED + k, n)
        for m in markets for k in range(seeds) for n in names
    ]  # fmt: skip
    have = {r.key: r for r in ledger.read()}
    stale = sum(r.code != codes.get(r.decider, r.code) for r in have.values())
    jobs = []
    for k in range(seeds):  # whole seeds first: a study that is stopped has every market
        for m in markets:
            left = [key[5] for key in wanted if key[3:5] == (m, FRESH_SEED + k) and key not in have]
            if left:
                before = have.get((codes.get(ENGINE), size.nights, size.start, m, FRESH_SEED + k, ENGINE))
                jobs.append((m, k, left, size, before))
    _say(
        f"{len(wanted)} runs, {sum(key in have for key in wanted)} done before, {stale} of other code ignored"
    )
    for found in _run(jobs, workers):
        # The code as it was when the study began: whoever edits a file meanwhile changes the next study.
        done = replace(found, code=codes[found.decider])
        ledger.append(done)
        have[done.key] = done
    return [have[key] for key in wanted]


def _run(jobs: list[Any], workers: int) -> Iterator[Run]:
    began, total = time.monotonic(), sum(len(j[2]) for j in jobs)
    source = _pooled(jobs, workers) if workers > 1 and len(jobs) > 1 else (r for j in jobs for r in work(*j))
    for finished, done in enumerate(source, 1):
        spent = time.monotonic() - began
        _say(
            f"{finished}/{total} {done.market} seed {done.seed} {done.decider}: {done.ms_per_night:.1f} ms a night; "
            f"{spent / 60:.1f} min, about {spent / finished * (total - finished) / 60:.1f} left"
        )
        yield done


def _pooled(jobs: list[Any], workers: int) -> Iterator[Run]:
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    with ProcessPoolExecutor(workers, context, _begin, (results,)) as pool:
        futures: list[Future[None]] = [pool.submit(_send, job) for job in jobs]
        try:
            expected = sum(len(job[2]) for job in jobs)
            while expected:
                try:
                    yield results.get(timeout=1.0)
                    expected -= 1
                except queue.Empty:
                    for future in futures:
                        if future.done():
                            future.result()  # raises what the worker raised
        finally:
            for future in futures:
                future.cancel()


_results: Any = None


def _begin(results: Any) -> None:
    global _results
    _results = results


def _send(job: Any) -> None:
    for done in work(*job):
        _results.put(done)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
