"""What the commands print with: a progress bar on a terminal, plain lines elsewhere, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any


def bar(label: str) -> Callable[[int, int], None]:
    """A progress callback (done, total). Silent when the error stream is no terminal, so that logs stay clean."""

    def show(done: int, total: int) -> None:
        if not sys.stderr.isatty() or total <= 0:
            return
        filled = round(24 * done / total)
        end = "\n" if done >= total else ""
        print(
            f"\r{label}  {'█' * filled}{'░' * (24 - filled)}  {done}/{total}",
            end=end,
            file=sys.stderr,
            flush=True,
        )

    return show


def steps(done: int, total: int) -> None:
    """How far the pictures in the making are, behind the bar; silent where the bar is."""
    if sys.stderr.isatty():
        print(f"\033[s   step {done}/{total} \033[u", end="", file=sys.stderr, flush=True)


def say(text: str = "") -> None:
    """A line of the result, at once."""
    print(text, flush=True)


def say_json(value: Any) -> None:
    """A result for programs; dates and other values in their text form."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str), flush=True)
