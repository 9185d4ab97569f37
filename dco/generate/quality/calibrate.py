"""Finds the gates' limits from good pictures, and measures on others what they refuse wrongly and what they catch.

Good pictures are fresh renders and delta transfers of random looks, scenes in turn. A limit lies beyond all but one in two
hundred of the first half of them, by 30 % of that one's distance from the median; everything that is reported is
measured on the other half, whose seeds no limit has seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from time import process_time

import numpy as np

from dco import registry
from dco.errors import BadInput
from dco.generate.backend import Backend, load_backend
from dco.generate.cache import PictureCache
from dco.generate.gates._subject import Gauge
from dco.generate.picture import Picture
from dco.generate.quality.defects import COPIES, DEFECTS, busy
from dco.generate.quality.likeness import Thumb, consistency, misfit, thumb
from dco.generate.quality.panel import ALIKE, OUTLIER, Panel, Verdict
from dco.generate.request import ENGINE, Request
from dco.generate.studio import make
from dco.generate.vocabulary import ATTRIBUTES, OPTIONAL, values

LIMITS = Path(__file__).parents[1] / "gates" / "limits.json"
SIZES = ((600, 504),) * 5 + ((480, 960),) * 2 + ((1200, 632),) * 2 + ((1080, 1080),)
"""Backdrop sizes as a campaign asks for them, the small ones more often."""

EDGE, WIDEN = 0.995, 0.3
"""Not the most extreme of all: that is one odd picture (a lemon that the diffusion tinted), it grows with their number, and
a gate set by it lets real faults pass."""

FEWEST = 30
"""Good pictures that must have shown a measure before it may refuse any."""

FIRST_SEED = 300_000_000
"""Seeds that neither training nor any other measurement uses."""

SET = 12
"""Pictures of a set whose consistency is measured."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Calibration:
    """What was found. Shares are of pictures, in percent.

    `refused` holds, per gate and for all together, good pictures that were refused; `caught` holds, per planted defect, its
    severity, how many pictures had it, and how many of them were refused. `cost` is the panel's CPU time as a share of
    the embedded pictures' making.
    """

    engine: str
    model: str
    fitted_on: int
    measured_on: int
    scenes: int
    limits: dict[str, float]
    refused: dict[str, float]
    caught: dict[str, dict[str, str | float]]
    cost: dict[str, float]

    def __str__(self) -> str:
        head = f"{self.measured_on} good pictures of {self.scenes} scenes (limits from {self.fitted_on} others); "
        head += f"the panel takes {self.cost['milliseconds']:.0f} ms, {self.cost['percent']:.0f} % of an embedded picture"
        lines = [head, "", "| good pictures refused | % |", "|---|---|"]
        lines += [f"| {name.replace('_', ' ')} | {share:.2f} |" for name, share in self.refused.items()]
        lines += ["", "| planted defect | severity | pictures | caught % |", "|---|---|---|---|"]
        for name, row in self.caught.items():
            lines.append(f"| {name} | {row['severity']} | {row['pictures']} | {row['caught']:.1f} |")
        return "\n".join(lines)


def calibrate(
    pictures: int = 400, *, folder: str = "", work: Path | None = None, say: Say = lambda _: None
) -> Calibration:
    """Fit the limits on `pictures` good pictures and measure on as many others.

    Args:
        folder: the embedded model's folder; default the one that comes with the engine.
        work: a cache of pictures, so that an interrupted run goes on; None keeps none.

    Raises:
        BadInput: fewer than 40 pictures.
    """
    if pictures < 40:
        raise BadInput(f"calibrate: {pictures} pictures are too few; expected 40 or more")
    backends = [
        load_backend("procedural"),
        load_backend("embedded", **({"folder": folder} if folder else {})),
    ]
    fit = _good(backends, pictures, FIRST_SEED, work)
    say(f"{len(fit)} good pictures to fit")
    limits = _limits(backends, fit, say) | _set_limits(fit)
    say(f"{len(limits)} limits")
    panels = [Panel.of(b, limits=limits) for b in backends]
    test = _good(backends, pictures, FIRST_SEED + 10_000_000, work)
    say(f"{len(test)} good pictures to measure")
    started = process_time()
    verdicts = [panels[k].judge(p) for k, p in test]
    each = (process_time() - started) / len(test)
    making = float(np.mean([p.seconds for k, p in test if k == 1]))
    refused = _refused(verdicts) | _refused_pairs(test, limits)
    for (_, picture), verdict in zip(test, verdicts, strict=True):
        if verdict.fault:
            say(
                f"refused: {picture.request.prompt}, seed {picture.request.seed}: {verdict.gate}: {verdict.fault}"
            )
    return Calibration(
        ENGINE,
        backends[1].model_id,
        len(fit),
        len(test),
        len(values("scene")),
        {name: round(limit, 4) for name, limit in sorted(limits.items())},
        refused,
        dict(_caught(panels, backends, test, limits, say)),
        {"milliseconds": round(1000 * each, 1), "percent": round(100 * each / making, 1)},
    )


def write(found: Calibration, target: Path = LIMITS) -> None:
    """Keep limits and figures in the one file that the gates read."""
    target.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")


Made = tuple[int, Picture]
"""A picture, and the number of the backend that made it: 0 the renderer, 1 the embedded model."""


def looks(count: int, seed: int) -> list[dict[str, str]]:
    """Random options, scenes in turn; season, mood and material are stated half the time."""
    rng, scenes = np.random.default_rng(seed), values("scene")
    out = []
    for k in range(count):
        look = {"scene": scenes[k % len(scenes)]}
        for attribute in ATTRIBUTES[1:]:
            words = [w for w in values(attribute) if w != "none"]
            if attribute not in OPTIONAL or rng.random() < 0.5:
                look[attribute] = words[int(rng.integers(len(words)))]
        out.append(look)
    return out


def _good(backends: Sequence[Backend], count: int, seed: int, work: Path | None) -> list[Made]:
    """Half renders, half delta transfers at strengths .3 to .75, over the sizes a campaign asks for."""
    made: list[Made] = []
    for k, backend in enumerate(backends):
        first, usual = seed + k * 1_000_000, backend.defaults
        rng = np.random.default_rng(first)
        requests = [
            Request.of(
                look,
                *SIZES[int(rng.integers(len(SIZES)))],
                seed=first + i,
                strength=round(float(rng.uniform(0.3, 0.75)), 2),
                steps=usual.steps,
                guidance=usual.guidance,
            )
            for i, look in enumerate(looks(count // 2, first))
        ]
        cache = PictureCache(work) if work else None
        found = make(requests, backend, cache, panel=Panel(gates=["sound"], limits={}))
        made += [(k, p) for p in found if isinstance(p, Picture)]
    return made


def _limits(backends: Sequence[Backend], fit: Sequence[Made], say: Say) -> dict[str, float]:
    """Per measure: beyond the good picture at `EDGE`, by 30 % of its distance from the median."""
    seen: dict[str, list[tuple[float, str]]] = {}
    panels = [Panel.of(backend, limits={}) for backend in backends]
    # What is measured only on pictures that lie on no render is fitted on the same pictures, taken as such.
    blind = Panel(limits={})
    for k, picture in fit:
        measured = {**blind.judge(picture).quality, **panels[k].judge(picture).quality}
        for name, value in measured.items():
            seen.setdefault(name, []).append(
                (value, f"{picture.request.prompt}, seed {picture.request.seed}")
            )
    limits = {}
    for name, found in sorted(seen.items()):
        gate, _, measure = name.partition(".")
        gauge = registry.load("gates", gate)
        if not isinstance(gauge, Gauge):
            continue
        if len(found) < FEWEST:
            say(f"{name}: measured on {len(found)} pictures only; no limit")
            continue
        side, slack = gauge.measures[measure].side, gauge.measures[measure].slack
        ranked = sorted(found, reverse=side == "most")
        edge, who = ranked[int((1 - EDGE) * len(ranked))]
        median = float(np.median([value for value, _ in found]))
        room = max(slack, WIDEN * abs(edge - median))
        limits[name] = edge + room if side == "most" else edge - room
        say(f"{name}: median {median:.3f}, edge {edge:.3f} ({who})")
    return limits


def _set_limits(fit: Sequence[Made]) -> dict[str, float]:
    """Near-duplicates: halfway between copies of a picture and another seed of its look. Sets: as for a single measure."""
    rng = np.random.default_rng(1)
    small = [thumb(p.pixels) for _, p in fit]
    copied = [
        misfit(t, thumb(c.plant(p.pixels, rng)))
        for c in COPIES.values()
        for (_, p), t in zip(fit, small, strict=True)
    ]
    others = [m for m in _other_seeds([p for _, p in fit]) if isfinite(m)]
    alike = (float(np.quantile(copied, 0.99)) + float(np.quantile(others, 0.005))) / 2
    each = [d for group in _sets(small) for d in consistency(group).each]
    return {ALIKE: alike, OUTLIER: max(each) + WIDEN * (max(each) - float(np.median(each)))}


def _other_seeds(pictures: Sequence[Picture]) -> Iterator[float]:
    """Distance of each picture's look from the same look of another seed, as renders."""
    again = [replace(p.request, seed=p.request.seed + 50_000_000) for p in pictures]
    first = _rendered([p.request for p in pictures])
    for one, other in zip(first, _rendered(again), strict=True):
        yield misfit(thumb(one.pixels), thumb(other.pixels))


def _rendered(requests: Sequence[Request]) -> list[Picture]:
    """Renders at a third of the size: enough for a thumbnail."""
    small = [replace(r, width=max(8, r.width // 3), height=max(8, r.height // 3)) for r in requests]
    return [p for p in load_backend("procedural").generate(small) if isinstance(p, Picture)]


def _sets(small: Sequence[Thumb]) -> Iterator[Sequence[Thumb]]:
    order = np.random.default_rng(2).permutation(len(small))
    for start in range(0, len(order) - SET + 1, SET):
        yield [small[i] for i in order[start : start + SET]]


def _refused(verdicts: Sequence[Verdict]) -> dict[str, float]:
    gates = registry.names("gates")
    failed = [{r.name.partition(".")[0] for r in v.readings if r.reason} for v in verdicts]
    share = {g: 100 * sum(g in f for f in failed) / len(failed) for g in gates}
    return {**share, "all gates together": 100 * sum(map(bool, failed)) / len(failed)}


def _refused_pairs(test: Sequence[Made], limits: Mapping[str, float]) -> dict[str, float]:
    """Near-duplicates found where there are none: among all pictures of a size, and between two seeds of one look."""
    small = [(p.pixels.shape, thumb(p.pixels)) for _, p in test]
    doubles = 0
    for i, (shape, t) in enumerate(small):
        doubles += any(s == shape and misfit(t, o) <= limits[ALIKE] for s, o in small[:i])
    others = list(_other_seeds([p for _, p in test]))
    far = [i for g in _sets([t for _, t in small]) for i in consistency(g).outliers(limits[OUTLIER])]
    return {
        "near-duplicates among all": 100 * doubles / len(test),
        "near-duplicates, same look, another seed": 100
        * float(np.mean([m <= limits[ALIKE] for m in others])),
        "outliers of a set": 100 * len(far) / len(test),
    }


def _caught(
    panels: Sequence[Panel],
    backends: Sequence[Backend],
    test: Sequence[Made],
    limits: Mapping[str, float],
    say: Say,
) -> Iterator[tuple[str, dict[str, str | float]]]:
    """Every fourth good picture with each defect."""
    rng, base = np.random.default_rng(3), test[:: min(4, max(1, len(test) // 20))]

    def row(name: str, severity: str, found: Sequence[Verdict]) -> tuple[str, dict[str, str | float]]:
        caught = [v for v in found if v.fault]
        by: dict[str, int] = {}
        for verdict in caught:
            for reading in verdict.readings:
                if reading.reason:
                    by[reading.name] = by.get(reading.name, 0) + 1
        share = 100 * len(caught) / len(found)
        say(f"{name}: {share:.1f} % of {len(found)} caught {dict(sorted(by.items(), key=lambda i: -i[1]))}")
        return name, {"severity": severity, "pictures": len(found), "caught": round(share, 1)}

    def judged(k: int, picture: Picture, pixels: np.ndarray) -> Verdict:
        return panels[k].judge(replace(picture, pixels=pixels))

    for name, defect in DEFECTS.items():
        yield row(name, defect.severity, [judged(k, p, defect.plant(p.pixels, rng)) for k, p in base])
    sides = [(k, p, p.request.look().composition) for k, p in base]
    yield row(
        "busy copy side",
        "texture of 26 of 255 over it",
        [judged(k, p, busy(p.pixels, s, rng)) for k, p, s in sides],
    )
    for attribute in ("palette", "scene", "light", "composition"):
        swapped = [(k, p, q) for k, p in base for q in _swapped(backends[k], p, attribute, rng)]
        yield row(
            f"wrong {attribute}",
            "another word drawn, same seed",
            [judged(k, p, q.pixels) for k, p, q in swapped],
        )
    for name, copy in COPIES.items():
        near = [misfit(thumb(p.pixels), thumb(copy.plant(p.pixels, rng))) <= limits[ALIKE] for _, p in base]
        share = 100 * float(np.mean(near))
        say(f"{name}: {share:.1f} % of {len(near)} caught")
        yield name, {"severity": copy.severity, "pictures": len(near), "caught": round(share, 1)}


def _swapped(
    backend: Backend, picture: Picture, attribute: str, rng: np.random.Generator
) -> Iterator[Picture]:
    """The same request with another word for one attribute, drawn by the same backend."""
    request = picture.request
    asked = dict(request.attributes)
    words = [w for w in values(attribute) if w != asked[attribute]]
    other = {**asked, attribute: words[int(rng.integers(len(words)))]}
    wanted = Request.of(other, request.width, request.height, request.seed, strength=request.strength)
    yield from (p for p in backend.generate([wanted]) if isinstance(p, Picture))


def main() -> None:
    """`python -m dco.generate.quality.calibrate [PICTURES] [WORK]`: calibrate, write the limits, print the figures."""
    import sys

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    work = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    found = calibrate(count, work=work, say=lambda line: print(line, file=sys.stderr, flush=True))
    write(found)
    print(found)


if __name__ == "__main__":
    main()
