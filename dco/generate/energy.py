"""What a picture took from the socket, as an estimate: from the machine's own meters where they can be read, else
from how long it took.

CPU: the counters of RAPL (`/sys/class/powercap`, the whole package, whoever else works on it) where this process may read
them, else `CPU_WATTS` per thread. GPU: what `nvidia-smi` says the board draws, else `GPU_WATTS`. Memory, fans and the
power supply's losses are in neither.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

from dco.errors import BadInput
from dco.generate.picture import Outcome, Picture

CPU_WATTS = 12.0
"""Watts of one busy thread: a server package of 180 to 280 W over its 16 to 24 cores. `DCO_CPU_WATTS` sets another."""

GPU_WATTS = 350.0
"""Watts of one busy data-centre GPU where nobody can be asked. `DCO_GPU_WATTS` sets another."""

RAPL = Path("/sys/class/powercap")
_EVERY = 2.0
"""Seconds between two questions to nvidia-smi, which takes a twentieth of one to answer."""

_MOMENT = 0.05
"""Seconds below which counters that tick every millisecond say too little."""


class Gauge(Protocol):
    """Says how much is drawn."""

    def watts(self) -> float:
        """Mean draw since it was last asked."""
        ...


@dataclass
class Constant:
    """So many watts, whatever happens."""

    value: float

    def watts(self) -> float:
        """The same number."""
        return self.value


class Rapl:
    """Energy counters of the CPU packages, in microjoules; they wrap around.

    Raises:
        OSError: there are none, or this process may not read them (since CVE-2020-8694 only root may).
    """

    def __init__(self, folder: Path = RAPL, clock: Callable[[], float] = perf_counter) -> None:
        self._packages = sorted(p for p in folder.glob("*-rapl:*") if p.name.count(":") == 1)
        if not self._packages:
            raise FileNotFoundError(f"{folder}: no energy counter")
        self._ranges = [_number(p / "max_energy_range_uj") for p in self._packages]
        self._clock, self._asked, self._last = clock, clock(), self._read()
        self._watts = 0.0

    def watts(self) -> float:
        """What the packages drew, whoever used them. Asked twice within a moment, it says the same."""
        elapsed = self._clock() - self._asked
        if elapsed >= _MOMENT:
            before, self._last = self._last, self._read()
            spent = (
                (after - start) % (span + 1)
                for start, after, span in zip(before, self._last, self._ranges, strict=True)
            )
            self._watts, self._asked = sum(spent) / 1e6 / elapsed, self._clock()
        return self._watts

    def _read(self) -> list[int]:
        return [_number(p / "energy_uj") for p in self._packages]


class NvidiaSmi:
    """What the board of this process's GPU draws, asked every few seconds.

    Raises:
        OSError: there is no nvidia-smi, or it does not say.
    """

    def __init__(self) -> None:
        self._program = shutil.which("nvidia-smi")
        if self._program is None:
            raise FileNotFoundError("nvidia-smi")
        self._watts, self._asked = self._ask(), perf_counter()

    def watts(self) -> float:
        """The mean of the draw then and now."""
        before = self._watts
        if perf_counter() - self._asked >= _EVERY:
            # One answer that does not come is no reason to lose a picture.
            with contextlib.suppress(OSError):
                self._watts, self._asked = self._ask(), perf_counter()
        return (before + self._watts) / 2

    def _ask(self) -> float:
        device = os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0] or "0"
        command = [
            str(self._program), "--query-gpu=power.draw", "--format=csv,noheader,nounits", f"--id={device}",
        ]  # fmt: skip
        try:
            told = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
            return float(told.split()[0])
        except (subprocess.SubprocessError, ValueError, IndexError) as error:
            raise OSError(f"nvidia-smi does not say what GPU {device} draws") from error


class Meter:
    """Puts the energy that pictures took into their records."""

    def __init__(self, gauge: Gauge | None) -> None:
        self._gauge = gauge

    @classmethod
    def of(cls, backend: Any) -> Meter:
        """The best meter for where a backend computes; none for one that computes elsewhere.

        Raises:
            BadInput: DCO_CPU_WATTS or DCO_GPU_WATTS is no number of watts.
        """
        cpu, gpu = _watts("DCO_CPU_WATTS", CPU_WATTS), _watts("DCO_GPU_WATTS", GPU_WATTS)
        if getattr(backend, "hosted", False):
            return cls(None)
        try:
            if _on_gpu(backend):
                return cls(Constant(gpu) if "DCO_GPU_WATTS" in os.environ else NvidiaSmi())
            if "DCO_CPU_WATTS" not in os.environ:
                return cls(Rapl())
        except OSError:
            pass
        threads = getattr(backend, "threads", None) or 1
        return cls(Constant(gpu if _on_gpu(backend) else cpu * threads))

    def measured(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """The same outcomes; every picture made here with its watt-hours."""
        if self._gauge is not None:
            self._gauge.watts()  # what was drawn while nothing was asked for is not a picture's
        for outcome in outcomes:
            if self._gauge is None or not isinstance(outcome, Picture) or outcome.cached:
                yield outcome
            else:
                yield replace(outcome, watt_hours=self._gauge.watts() * outcome.seconds / 3600)


def _on_gpu(backend: Any) -> bool:
    """Where it will compute. A backend that leaves the choice to the machine takes a GPU where there is one."""
    device = getattr(backend, "device", "cpu")
    return str(device).startswith("cuda") if device else shutil.which("nvidia-smi") is not None


def _watts(name: str, usual: float) -> float:
    text = os.environ.get(name, "")
    try:
        watts = float(text) if text else usual
    except ValueError:
        watts = -1.0
    if not 0 < watts <= 10_000:
        raise BadInput(f"{name}: expected watts from 0 to 10000, such as {usual:g}, got {text!r}")
    return watts


def _number(file: Path) -> int:
    return int(file.read_text())
