"""How fast pictures are made: the embedded path beside a plain loop over the diffusers pipeline of the same folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from dco.errors import BadInput
from dco.jobs.bench import Options, Row

CREATIVES, MOST_SECONDS = 24, 180.0


def bench(options: Options) -> list[Row]:
    """Rows for the CPU, or for a GPU with the Stable Diffusion XL architecture on random weights.

    On the CPU both ways run on one thread and are timed by the processor time they take, so that a neighbour's work does
    not count; they take turns, and medians are compared.
    """
    return _cuda(options) if options.device == "cuda" else _cpu(options)


def _cpu(options: Options) -> list[Row]:
    from dco.generate.benchmarks import embedded as benchmark

    pair = benchmark.Embedded()
    rows = []
    for side, target in ((128, 2.3), (256, 1.3)):
        options.say(f"copies of {side} px")
        ours, plain, far = pair.copies(side, options.repeats)
        rows.append(
            Row.faster(
                f"embedded copies, {side} px, equal steps and guidance", ours, plain, "images/s of a core", target,
                f"pictures differ by at most {far:.2g} of 255",
            )
        )  # fmt: skip
    options.say("copies and reconstructions of 128 px")
    ours, plain, _ = pair.copies(128, options.repeats, reconstruct=True)
    rows.append(
        Row.faster(
            "embedded copies, 128 px, both with reconstruction", ours, plain, "images/s of a core",
            note="delta transfer needs both; the rows above charge the reconstruction to us alone",
        )
    )  # fmt: skip
    options.say("text to image")
    ours, plain, far = pair.text(128, options.repeats)
    rows.append(
        Row.faster(
            "embedded text to image, 128 px, equal steps and guidance", ours, plain, "images/s of a core",
            note=f"pictures differ by at most {far:.2g} of 255",
        )
    )  # fmt: skip
    options.say("company and order")
    company, sizes = pair.differing_values()
    rows.append(
        Row(
            "values that another company or order changes",
            company,
            "of 255-step values",
            target="= 0",
            ok=company == 0,
        )
    )
    rows.append(Row("values that another batch size changes", sizes, "of 255-step values"))
    if options.quick:
        return rows
    options.say("equal quality at fewer steps")
    found = pair.equal_quality(options.repeats)
    rows.append(
        Row.faster("embedded copies, 128 px, equal measured quality", found.seconds, found.plain_seconds,
                   "images/s of a core", 4.0, found.sentence)
    )  # fmt: skip
    options.say(f"{CREATIVES} creatives in all base sizes")
    seconds = _end_to_end()
    rows.append(
        Row(f"dco generate, {CREATIVES} creatives in five sizes", seconds, "s", target=f"<= {MOST_SECONDS:g} s",
            ok=seconds <= MOST_SECONDS, note=f"wall time from a cold start, load {os.getloadavg()[0]:.1f} on the machine")
    )  # fmt: skip
    return rows


def _end_to_end() -> float:
    """Wall seconds of `dco generate` on the sample campaign, in a process of its own."""
    from dco.jobs.init import init

    with TemporaryDirectory(prefix="dco-bench-") as scratch:
        folder = Path(scratch) / "campaign"
        init(folder)
        command = [sys.executable, "-m", "dco", "generate", str(folder), "--per-segment", str(CREATIVES // 3)]
        started = perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)
        seconds = perf_counter() - started
        if done.returncode:
            raise BadInput(
                f"bench generate: dco generate ended with {done.returncode}: {done.stderr.strip()[-300:]}"
            )
        return seconds


def _cuda(options: Options) -> list[Row]:
    from dco.generate.benchmarks import gpu as benchmark_gpu

    found = benchmark_gpu.large(options.repeats, options.say)
    rows = []
    for one in found:
        ratio = one.plain_seconds / one.seconds
        met = 1 / one.seconds >= one.least_images and ratio >= one.least_ratio
        target = f">= {one.least_images:g}/s" + (f", {one.least_ratio:g}x" if one.least_ratio else "")
        share = 100 * one.floor_seconds / one.seconds
        note = f"{share:.0f} % of the floor: {one.tera:.1f} TFLOP an image at {one.peak:.0f} TFLOP/s of measured products"
        rows.append(
            Row(one.name, 1 / one.seconds, "images/s", 1 / one.plain_seconds, ratio, target, met, note)
        )
    return rows
