"""Ideas drawn, and drawn once more with the next seed where a quality gate refused a picture; and how a set holds together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dco.generate.picture import Failure, Outcome, Picture
from dco.generate.quality.likeness import Consistency, consistency, thumb
from dco.generate.request import Request

Size = tuple[int, int]
"""Width and height of a backdrop, pixels."""

Requests = Mapping[Size, Request]
"""One idea's requests, by size."""

FEWEST = 8
"""Pictures a set must have before one of them can be called a stranger in it."""


def draw(
    first: Sequence[Requests],
    again: Callable[[int], Requests],
    make: Callable[[Sequence[Request], Sequence[str]], Sequence[Outcome]],
) -> tuple[list[Requests], dict[Request, Outcome]]:
    """Settle every idea's requests.

    All sizes of an idea take the next seed together, so that they go on showing one scene; where the second try fails as
    well, the first and its reason stand.

    Args:
        first: per idea what is asked for. again: the requests of the idea of that number with the next seed.
        make: makes requests, beside the pictures of the keys given.

    Returns:
        Per idea the requests that count, and the outcome of every request made.
    """
    settled: dict[Request, Outcome] = {}

    def settle(wanted: Sequence[Requests]) -> None:
        new = [r for r in dict.fromkeys(r for one in wanted for r in one.values()) if r not in settled]
        known = [o.key for o in settled.values() if isinstance(o, Picture)]
        if new:
            settled.update(zip(new, make(new, known), strict=True))

    settle(first)
    refused = [n for n, one in enumerate(first) if any(_refused(settled[r]) for r in one.values())]
    second = {n: again(n) for n in refused}
    settle(list(second.values()))
    chosen = list(first)
    for n, requests in second.items():
        if all(isinstance(settled[r], Picture) for r in requests.values()):
            chosen[n] = requests
    return chosen, settled


def hold_together(pictures: Sequence[Picture]) -> Consistency:
    """How well the backdrops of one segment hold together; see `likeness.consistency`."""
    return consistency([thumb(picture.pixels) for picture in pictures])


def strangers(pictures: Sequence[Picture], limit: float | None) -> dict[int, str]:
    """Pictures from another world than the rest of their set, by number, with the reason in words."""
    if limit is None or len(pictures) < FEWEST:
        return {}
    found = hold_together(pictures)
    return {
        n: f"a stranger in its set: {found.each[n]:.0f} dE from the others' colours on average, where {limit:.0f} is the most"
        for n in found.outliers(limit)
    }


def gates(tries: Sequence[Requests], settled: Mapping[Request, Outcome]) -> tuple[str, ...]:
    """Per try of an idea that failed, the gate that refused its first failed picture; '' where no gate did."""
    outcomes = ([settled[r] for r in one.values() if r in settled] for one in tries)
    failed = (next((o for o in one if isinstance(o, Failure)), None) for one in outcomes)
    return tuple(first.gate for first in failed if first is not None)


def _refused(outcome: Outcome) -> bool:
    return isinstance(outcome, Failure) and bool(outcome.gate)
