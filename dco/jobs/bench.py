"""`dco bench`: a figure and what it is compared with, measured in one run on one machine, and whether it is met."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dco import registry
from dco.errors import BadInput

_PACKAGES = ("torch", "diffusers", "transformers", "numpy", "scipy", "pillow")


@dataclass(frozen=True)
class Options:
    """What every bench takes. `quick` leaves out what takes minutes; `say` is told what is being measured."""

    device: str = "cpu"
    repeats: int = 5
    quick: bool = False
    say: Callable[[str], None] = lambda text: None

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise BadInput(f"bench, repeats: expected 1 or more, got {self.repeats}")
        if self.device not in ("cpu", "cuda"):
            raise BadInput(f"bench, device: expected cpu or cuda, got {self.device!r}")


@dataclass(frozen=True)
class Row:
    """One figure. `against` is the same figure of what it is compared with, in the same unit, `ratio` how many times
    better ours is; None where there is nothing to compare with. `ok` is None where no `target` is set."""

    name: str
    value: float
    unit: str
    against: float | None = None
    ratio: float | None = None
    target: str = ""
    ok: bool | None = None
    note: str = ""

    @classmethod
    def faster(
        cls,
        name: str,
        seconds: float,
        against: float,
        unit: str,
        at_least: float | None = None,
        note: str = "",
    ) -> Row:
        """A speed from the seconds that one piece takes, beside the seconds of the other way."""
        ratio = against / seconds
        target, ok = (f">= {at_least:g}x", ratio >= at_least) if at_least else ("", None)
        return cls(name, 1 / seconds, unit, 1 / against, ratio, target, ok, note)


def run(name: str, options: Options) -> list[Row]:
    """The rows of one bench.

    Raises:
        UnknownName: there is no such bench. BadInput: it cannot run here.
    """
    bench: Callable[[Options], list[Row]] = registry.load("benches", name, where="dco bench")
    return bench(options)


def facts() -> dict[str, Any]:
    """The machine and the versions a figure belongs to."""
    found: dict[str, Any] = {
        "cpu": _cpu(), "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": round(os.getloadavg()[0], 1), "python": platform.python_version(),
    }  # fmt: skip
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def as_dict(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    """For programs."""
    return {"bench": name, "machine": facts(), "rows": [asdict(row) for row in rows]}


def table(rows: Sequence[Row]) -> str:
    """For people: one line a row.

    >>> print(table([Row.faster("copies", 0.1, 0.25, "images/s", 2.3)]))
    figure       ours   compared  unit      ratio   target   met
    copies         10          4  images/s  2.50x  >= 2.3x   yes
    """
    width = max(len(row.name) for row in rows)
    wide = max(len(row.unit) for row in rows)
    lines = [
        f"{'figure':<{width}} {'ours':>10} {'compared':>10}  {'unit':<{wide}}  {'ratio':>5}  {'target':>7}   met"
    ]
    for row in rows:
        against = "" if row.against is None else f"{row.against:.4g}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
        met = {True: "yes", False: "NO", None: "-"}[row.ok]
        line = f"{row.name:<{width}} {row.value:>10.4g} {against:>10}  {row.unit:<{wide}}  {ratio:>5}  {row.target:>7}   {met}"
        lines.append(line + (f"  ({row.note})" if row.note else ""))
    return "\n".join(lines)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
