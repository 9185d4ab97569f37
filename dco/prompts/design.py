"""First pools from which main effects can be told apart best: D-optimal designs by coordinate exchange.

Of all pools of a size the one is sought whose information about the options' effects, M = I / r + X'X with
r = option variance / noise variance of an arm, has the greatest determinant (Bayesian D-optimality, DuMouchel & Jones 1994),
by changing one attribute of one idea at a time while that helps (Meyer & Nachtsheim 1995).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dco.records import Genome, Space

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESOLUTION = 0.5
"""r: option variance over the noise of an arm in its first week, its luck included (.008 and .016 as usual)."""
BESIDE = 0.5
"""What other segments' ideas count for: most of an option's effect is the same everywhere, but not all of it."""
LEVEL = 1e-3
"""Prior precision of a segment's level: it is not known beforehand."""
SWEEPS = 20
LEAST = 1e-6
"""Relative rise of the determinant below which an exchange is rounding."""


def exchange(
    space: Space,
    pool: Sequence[Mapping[str, str]],
    taken: set[str],
    beside: Sequence[Sequence[Mapping[str, str]]] = (),
) -> list[dict[str, str]]:
    """The pool, improved until no single change of an option helps: allowed, distinct, none of `taken` (genome keys).

    Args:
        beside: the pools of other segments, which teach about the same options; those with unknown options are left out.

    Deterministic; a few milliseconds for 16 ideas of six attributes.
    """
    names, options = list(space.attributes), list(space.attributes.values())
    starts = np.cumsum([1, *(len(o) for o in options[:-1])])
    width = 1 + sum(len(o) for o in options)
    codes = _codes(space, pool)
    x = _design(codes, starts, width)
    information = np.diag([LEVEL, *([1.0 / RESOLUTION] * (width - 1))]) + x.T @ x
    for other in beside:
        y = _design(_codes(space, other), starts, width)
        y -= y.mean(axis=0) if len(y) else 0.0
        information += BESIDE * (y.T @ y)

    def may(genome: Ints, own: int) -> bool:
        given = {a: o[int(c)] for a, o, c in zip(names, options, genome)}
        here = (codes == genome).all(axis=1)
        here[own] = False
        return not here.any() and space.allows(given) and (not taken or Genome.of(given).key not in taken)

    for _ in range(SWEEPS):
        changed = False
        for i in range(len(codes)):
            at = _design(codes[i : i + 1], starts, width)[0]
            information -= np.outer(at, at)
            inverse = np.linalg.inv(information)
            for a, known in enumerate(options):
                trials = np.repeat(codes[i : i + 1], len(known), axis=0)
                trials[:, a] = np.arange(len(known))
                y = _design(trials, starts, width)
                # det(M + y y') = det(M) (1 + y' M^-1 y)
                gain = ((y @ inverse) * y).sum(axis=1)
                now = gain[codes[i, a]]
                # Rounded, so that ties fall to the first option on every machine.
                for best in np.argsort(-np.round(gain, 9), kind="stable"):
                    if not gain[best] > now + LEAST * (1.0 + now):
                        break
                    if may(trials[best], i):
                        codes[i, a], changed = best, True
                        break
            at = _design(codes[i : i + 1], starts, width)[0]
            information += np.outer(at, at)
        if not changed:
            break
    return [{a: o[int(c)] for a, o, c in zip(names, options, row)} for row in codes]


def _codes(space: Space, pool: Sequence[Mapping[str, str]]) -> Ints:
    """int[idea, attribute]; ideas with an option that the space does not hold are left out."""
    known = [g for g in pool if all(g.get(a) in o for a, o in space.attributes.items())]
    found = [[o.index(g[a]) for a, o in space.attributes.items()] for g in known]
    return np.array(found, dtype=np.int64).reshape(len(known), len(space.attributes))


def _design(codes: Ints, starts: Ints, width: int) -> Floats:
    x = np.zeros((len(codes), width))
    x[:, 0] = 1.0
    x[np.arange(len(codes))[:, None], codes + starts] = 1.0
    return x
