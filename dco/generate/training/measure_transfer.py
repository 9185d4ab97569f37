"""How delta transfer changes a render: do its edges, its colour and its copy space stay, and does the seed matter?

Every figure compares a picture with the render it came from, at the same size, before grain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_gradient_magnitude

from dco.errors import BadInput
from dco.generate.diffusion.delta import delta_transfer, resize
from dco.generate.diffusion.schedule import Short
from dco.generate.diffusion.small import SmallDiffusion
from dco.generate.models.folder import check
from dco.generate.paint.render import render
from dco.generate.quality.adherence import Adherence
from dco.generate.training.looks import sample_looks, share_right
from dco.generate.vocabulary import Look, prompt

SIDE, BATCH, FIRST_SEED = 512, 4, 700_000
EDGE_SHARE = 0.07
"""The strongest 7 % of the gradients of a picture are its edges."""

EDGY = 0.005
"""A scene has edges where its renders' weakest edge pixel rises by this much of full scale a pixel of a 768 px picture,
on average: below, the strongest 7 % of a soft gradient are haze, and haze is what the diffusion is for."""

AGAIN_EVERY = 4
"""Every fourth picture is drawn a second time with another noise, to see what the seed changes."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Transfer:
    """Means over pictures unless a name says otherwise.

    `edge_iou` is intersection over union of the edges of picture and render, per scene; `colour_shift` CIE76 between
    the mean colours; `energy` and `copy_energy` the picture's mean gradient over the render's, in all and on the copy
    side; `seed_rms` the difference of two seeds, 1 being full scale.
    """

    pictures: int
    side: int
    strength: float
    steps: int
    guidance: float
    edge_iou: dict[str, float]
    scenes_without_edges: tuple[str, ...]
    colour_shift: float
    colour_shift_highest: float
    energy: float
    energy_highest: float
    copy_energy: float
    copy_energy_highest: float
    seed_rms: float
    adherence: dict[str, float]
    renders: dict[str, float]

    @property
    def edge_iou_mean(self) -> float:
        """Over the scenes that have edges, or over all where none has."""
        return float(np.mean(list(self._edgy().values())))

    @property
    def edge_iou_worst(self) -> tuple[str, float]:
        """The scene with edges that keeps fewest of them."""
        return min(self._edgy().items(), key=lambda pair: pair[1])

    def _edgy(self) -> dict[str, float]:
        edgy = {s: v for s, v in self.edge_iou.items() if s not in self.scenes_without_edges}
        return edgy or self.edge_iou

    def __str__(self) -> str:
        worst, least = self.edge_iou_worst
        head = f"{'':24s}" + "".join(f"{a:>13s}" for a in self.adherence)
        rows = [
            f"{name:24s}" + "".join(f"{v:12.1f}%" for v in row.values())
            for name, row in (("delta transfer", self.adherence), ("renders", self.renders))
        ]
        return "\n".join(
            [
                head,
                *rows,
                f"{self.pictures} pictures of {self.side} px at strength {self.strength:g}, {self.steps} steps, guidance "
                f"{self.guidance:g} at one: edge IoU {self.edge_iou_mean:.2f} over scenes with edges (worst {least:.2f}, {worst}; "
                f"without: {', '.join(self.scenes_without_edges) or 'none'}); mean-colour dE {self.colour_shift:.1f} "
                f"(highest {self.colour_shift_highest:.1f}); gradient energy {self.energy:.2f} of the render's (highest "
                f"{self.energy_highest:.2f}), on the copy side {self.copy_energy:.2f} ({self.copy_energy_highest:.2f}); "
                f"seed-to-seed rms {self.seed_rms:.3f}",
            ]
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain data for training.json."""
        worst, least = self.edge_iou_worst
        extra = {"edge_iou_mean": round(self.edge_iou_mean, 3), "edge_iou_worst": [worst, least]}
        return {**asdict(self), **extra}


def measure_transfer(
    folder: Path, n: int = 400, *, strength: float = 0.6, steps: int = 9, guidance: float = 3.0
) -> Transfer:
    """Measure delta transfer with n fresh looks, scenes in turn.

    Raises:
        BadModel: the folder is not a finished model.
        BadInput: n is below 10.
    """
    if n < 10:
        raise BadInput(f"evaluate: n = {n} is too few; expected at least 10 pictures")
    judged = check(folder)
    judge, model = Adherence.open(judged.path), SmallDiffusion(judged)
    side = 8 * int(json.loads((judged.path / "unet" / "config.json").read_text())["sample_size"])
    looks = sample_looks(n, seed=19)
    found: list[dict[str, float]] = []
    read_pictures, read_renders = [], []
    for first in range(0, n, BATCH):
        some = looks[first : first + BATCH]
        schedule = Short(steps, strength, guidance)
        for k, row in enumerate(_transferred(model, some, first, side, schedule)):
            look, native, picture, again = row
            found.append(_figures(look, native, picture, again))
            read_renders.append(_small(native))
            read_pictures.append(_small(picture))
            assert look is some[k]
    by_scene = {
        s: [f for f, look in zip(found, looks, strict=True) if look.scene == s]
        for s in {look.scene for look in looks}
    }
    mean = lambda rows, name: float(np.mean([r[name] for r in rows if name in r]))  # noqa: E731
    highest = lambda name: round(max(f[name] for f in found), 3)  # noqa: E731
    return Transfer(
        pictures=n,
        side=SIDE,
        strength=strength,
        steps=steps,
        guidance=guidance,
        edge_iou={s: round(mean(rows, "iou"), 3) for s, rows in sorted(by_scene.items())},
        scenes_without_edges=tuple(sorted(s for s, rows in by_scene.items() if mean(rows, "edge") < EDGY)),
        colour_shift=round(mean(found, "colour"), 2),
        colour_shift_highest=highest("colour"),
        energy=round(mean(found, "energy"), 3),
        energy_highest=highest("energy"),
        copy_energy=round(mean(found, "copy"), 3),
        copy_energy_highest=highest("copy"),
        seed_rms=round(mean(found, "seed"), 4),
        adherence=share_right(judge, np.stack(read_pictures), looks),
        renders=share_right(judge, np.stack(read_renders), looks),
    )


def _transferred(
    model: SmallDiffusion, looks: list[Look], first: int, side: int, schedule: Short
) -> Iterator[tuple[Look, Array, Array, Array | None]]:
    """(look, render, picture, picture of another noise or None) of a batch."""
    natives = [render(look, SIDE, SIDE, FIRST_SEED + first + k, grain=False) for k, look in enumerate(looks)]
    copies = np.stack([np.clip(resize(x, (side, side), Image.Resampling.BOX), 0, 1) for x in natives])
    prompts = [prompt(look) for look in looks]
    seeds = [FIRST_SEED + first + k for k in range(len(looks))]
    diffused, plain = model.diffuse(prompts, copies, seeds, schedule)
    twice = None
    if first // BATCH % AGAIN_EVERY == 0:
        twice, _ = model.diffuse(prompts, copies, [s + 1_000_000 for s in seeds], schedule)
    for k, (look, native) in enumerate(zip(looks, natives, strict=True)):
        again = None if twice is None else delta_transfer(native, twice[k], plain[k])
        yield look, native, delta_transfer(native, diffused[k], plain[k]), again


def _figures(look: Look, native: Array, picture: Array, again: Array | None) -> dict[str, float]:
    was, now = _gradient(native), _gradient(picture)
    least = float(np.quantile(was, 1 - EDGE_SHARE))
    edges, kept = was >= least, now >= np.quantile(now, 1 - EDGE_SHARE)
    zone = _copy_zone(look, native.shape[1])
    figures = {
        "iou": float((edges & kept).sum() / (edges | kept).sum()),
        "edge": least * SIDE / 768,
        "colour": float(np.linalg.norm(_lab(picture.mean((0, 1))) - _lab(native.mean((0, 1))))),
        "energy": float(now.mean() / was.mean()),
        "copy": float(now[:, zone].mean() / max(was[:, zone].mean(), 1e-4)),
    }
    return figures if again is None else figures | {"seed": float(np.sqrt(((again - picture) ** 2).mean()))}


def _gradient(picture: Array) -> Array:
    """Gradient magnitude of luma at two pixels of a 768 px picture."""
    luma = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.asarray(gaussian_gradient_magnitude(luma, 2 * SIDE / 768), np.float32)


def _copy_zone(look: Look, width: int) -> slice:
    middle = width // 2
    return {
        "copy space left": slice(0, middle),
        "copy space right": slice(middle, width),
        "centered": slice(0, width),
    }[look.composition]


def _lab(rgb: Array) -> Array:
    """CIE L*a*b* (D65) of one sRGB colour in [0, 1]."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    t = to_xyz @ linear / np.array([0.9505, 1.0, 1.089])
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])], np.float32)


def _small(picture: Array) -> Array:
    return np.clip(resize(picture, (128, 128), Image.Resampling.BOX), 0, 1)
