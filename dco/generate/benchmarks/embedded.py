"""The embedded path and a plain loop over the diffusers pipeline of the same folder, measured in turns on one thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import torch

from dco.generate import threads as thread_policy
from dco.generate.backends.embedded import BATCH, Backend
from dco.generate.diffusion import pipeline
from dco.generate.diffusion.delta import Array
from dco.generate.diffusion.schedule import Even, Short
from dco.generate.diffusion.small import SmallDiffusion
from dco.generate.models.folder import check, embedded_folder
from dco.generate.paint.render import render
from dco.generate.quality.adherence import Adherence
from dco.generate.training.measure import frechet
from dco.generate.vocabulary import Look, prompt, values

PLAIN_IMAGES = 3
"""Pictures of the plain loop per turn: it takes them one by one, so a few are enough to time one."""

PICTURES = 384
"""Pictures per setting whose quality is measured."""

USUAL = (12, 1.5)
"""Steps and guidance of the plain loop: what the model was made for (evenly spaced, every step guided)."""

BLOCKS = 12
"""Groups of pictures that are left out in turn (delete-a-group jackknife) to state the error of a distance."""


@dataclass(frozen=True)
class EqualQuality:
    """The default setting, if its measured quality is that of the usual one, and what both measure."""

    seconds: float
    plain_seconds: float
    sentence: str


@dataclass(frozen=True)
class Quality:
    """Per picture the share of attributes read back rightly, classifier features, and how much was changed."""

    right: np.ndarray
    features: np.ndarray
    effect: float


class Embedded:
    """Both ways over one model folder, on one thread.

    Args:
        folder: a small Stable Diffusion folder; default the one that comes with the engine.

    Raises:
        BadModel: the folder does not pass the gate.
    """

    def __init__(self, folder: str | None = None) -> None:
        thread_policy.settle(1)
        self._folder = check(embedded_folder(folder))
        self._fast = SmallDiffusion(self._folder)
        steps, guidance, strength = Backend(folder).defaults
        self._default, self._usual = Short(steps, strength, guidance), Even(USUAL[0], strength, USUAL[1])

    @cached_property
    def _plain_text(self) -> Any:
        return pipeline.load(self._folder, device="cpu", dtype=torch.float32)

    @cached_property
    def _plain_image(self) -> Any:
        return pipeline.image_to_image(self._plain_text)

    def copies(self, side: int, repeats: int, reconstruct: bool = False) -> tuple[float, float, float]:
        """CPU seconds an image of ours and of the plain loop, image to image at the usual setting, and the largest
        difference of their pictures in steps of 255.

        Ours always makes the reconstruction that delta transfer subtracts, too; with `reconstruct` so does the plain loop,
        and both then give the same.
        """
        batch = BATCH if side <= 128 else max(1, BATCH // 2)
        words, seeds, copies = _samples(batch, side)

        def ours() -> Array:
            return self._diffuse(words, copies, seeds)[0]

        def plain() -> Array:
            drawn = self._plain_copies(words[:PLAIN_IMAGES], copies, seeds)
            for picture in copies[: PLAIN_IMAGES if reconstruct else 0]:
                self._plain_reconstruction(picture)
            return drawn

        mine, theirs = in_turns(ours, plain, repeats)
        far = float(np.abs(ours()[:PLAIN_IMAGES] - plain()).max() * 255)
        return mine / batch, theirs / PLAIN_IMAGES, far

    def text(self, side: int, repeats: int) -> tuple[float, float, float]:
        """The same from pure noise."""
        words, seeds, _ = _samples(BATCH, side)

        def ours() -> Array:
            return self._fast.draw(words, seeds, size=(side, side), steps=USUAL[0], guidance=USUAL[1])

        def plain() -> Array:
            return np.concatenate([
                self._call(self._plain_text, text, seed, width=side, height=side)
                for text, seed in zip(words[:PLAIN_IMAGES], seeds, strict=False)
            ])  # fmt: skip

        mine, theirs = in_turns(ours, plain, repeats)
        far = float(np.abs(ours()[:PLAIN_IMAGES] - plain()).max() * 255)
        return mine / BATCH, theirs / PLAIN_IMAGES, far

    def differing_values(self) -> tuple[int, int]:
        """uint8 values that differ when the same requests are made in another company and order; and when they are made
        in a batch of another size, which is promised nowhere but worth knowing."""
        words, seeds, copies = _samples(2 * BATCH, 128)
        order = np.random.default_rng(3).permutation(2 * BATCH)

        def made(chosen: Sequence[int], size: int) -> dict[int, np.ndarray]:
            found: dict[int, np.ndarray] = {}
            for start in range(0, len(chosen), size):
                part = list(chosen[start : start + size])
                part += part[-1:] * (size - len(part))
                drawn = self._diffuse([words[i] for i in part], copies[part], [seeds[i] for i in part])[0]
                found |= {i: (drawn[k] * 255 + 0.5).astype(np.uint8) for k, i in enumerate(part)}
            return found

        first = made(range(2 * BATCH), BATCH)
        others = [made([int(i) for i in order], BATCH), made([int(order[0])], BATCH)]
        company = sum(int((first[i] != other[i]).sum()) for other in others for i in other)
        small = made(range(4), 1)
        return company, sum(int((first[i] != small[i]).sum()) for i in small)

    def equal_quality(self, repeats: int, pictures: int = PICTURES) -> EqualQuality:
        """The default setting where it is as good as the usual one, by the same network and the same pictures; else the usual.

        As good: adherence not lower and Fréchet distance to renders not larger by more than twice the standard error of the
        paired difference, and at least nine tenths of the change that the usual setting makes to a picture.
        """
        words, seeds, copies = _samples(pictures, 128)
        looks = _looks(pictures)
        judge = Adherence.open(self._folder.path)
        others = np.stack([render(look, 128, 128, 900_000 + k, grain=False) for k, look in enumerate(looks)])
        renders = _features(judge, others)

        def measured(schedule: Even | Short) -> Quality:
            pairs = [
                self._diffuse(words[k : k + BATCH], copies[k : k + BATCH], seeds[k : k + BATCH], schedule)
                for k in range(0, pictures, BATCH)
            ]
            drawn = np.concatenate([d for d, _ in pairs])
            plain = np.concatenate([p for _, p in pairs])
            read = judge.read(drawn)
            right = np.array([
                np.mean([r[a] == getattr(look, a) for a in r if getattr(look, a) != "none"])
                for r, look in zip(read, looks, strict=True)
            ])  # fmt: skip
            return Quality(right, _features(judge, drawn), float(np.sqrt(((drawn - plain) ** 2).mean())))

        usual = measured(self._usual)
        best: Even | Short = self._default
        seen = measured(best)
        if not _as_good(seen, usual, renders):
            best, seen = self._usual, usual
        batch_words, batch_seeds, batch = words[:BATCH], seeds[:BATCH], copies[:BATCH]
        mine, theirs = in_turns(
            lambda: self._diffuse(batch_words, batch, batch_seeds, best)[0],
            lambda: self._plain_copies(words[:PLAIN_IMAGES], copies, seeds),
            repeats,
        )
        change, error = _distance_change(seen, usual, renders)
        paired = seen.right - usual.right
        sentence = (
            f"{_visits(best)}, n = {pictures}: adherence {100 * seen.right.mean():.1f} % against "
            f"{100 * usual.right.mean():.1f} % (difference {100 * paired.mean():+.1f} ± {200 * _error(paired):.1f}), Fréchet "
            f"{frechet(seen.features, renders):.2f} against {frechet(usual.features, renders):.2f} ({change:+.2f} ± "
            f"{2 * error:.2f}), change rms {seen.effect:.3f} against {usual.effect:.3f}"
        )
        return EqualQuality(mine / BATCH, theirs / PLAIN_IMAGES, sentence)

    def _diffuse(
        self,
        words: Sequence[str],
        copies: Array,
        seeds: Sequence[int],
        schedule: Even | Short | None = None,
    ) -> tuple[Array, Array]:
        return self._fast.diffuse(words, copies, seeds, schedule or self._usual)

    def _plain_copies(self, words: Sequence[str], copies: Array, seeds: Sequence[int]) -> Array:
        pictures = torch.from_numpy(copies).permute(0, 3, 1, 2).contiguous()
        return np.concatenate([
            self._call(self._plain_image, text, seeds[k], image=pictures[k : k + 1], strength=self._usual.strength)
            for k, text in enumerate(words)
        ])  # fmt: skip

    @torch.inference_mode()
    def _plain_reconstruction(self, picture: Array) -> None:
        vae = self._plain_text.vae
        vae.decode(
            pipeline.latents_of(vae, torch.from_numpy(picture).permute(2, 0, 1)[None].contiguous() * 2 - 1)
        )

    def _call(self, pipe: Any, text: str, seed: int, **more: Any) -> Array:
        with pipeline.quiet():
            pictures: Array = pipe(
                text, num_inference_steps=USUAL[0], guidance_scale=USUAL[1], output_type="np",
                generator=torch.Generator().manual_seed(seed), return_dict=False, **more,
            )[0]  # fmt: skip
        return pictures


def in_turns(ours: Callable[[], Any], plain: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Median CPU seconds of both, one after the other in turns after a first call of each that is not counted."""
    ours(), plain()
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for work, seconds in zip((ours, plain), found, strict=True):
            started = process_time()
            work()
            seconds.append(process_time() - started)
    return median(found[0]), median(found[1])


def _as_good(found: Quality, usual: Quality, renders: np.ndarray) -> bool:
    paired = found.right - usual.right
    change, error = _distance_change(found, usual, renders)
    adheres = paired.mean() >= -2 * _error(paired)
    return bool(adheres and change <= 2 * error and found.effect >= 0.9 * usual.effect)


def _distance_change(found: Quality, usual: Quality, renders: np.ndarray) -> tuple[float, float]:
    """Difference of the two Fréchet distances to renders, and its standard error by leaving groups out in turn."""
    groups = np.arange(len(renders)) % BLOCKS

    def change(keep: np.ndarray) -> float:
        return frechet(found.features[keep], renders) - frechet(usual.features[keep], renders)

    left_out = np.array([change(groups != g) for g in range(BLOCKS)])
    spread = (BLOCKS - 1) / BLOCKS * ((left_out - left_out.mean()) ** 2).sum()
    return change(groups >= 0), float(np.sqrt(spread))


def _visits(schedule: Even | Short) -> str:
    if isinstance(schedule, Even):
        return f"{schedule.steps} even steps, all at guidance {schedule.guidance:g}"
    return f"{len(schedule.levels())} visits, one of them at guidance {schedule.guidance:g}"


def _error(values_: np.ndarray) -> float:
    return float(values_.std(ddof=1) / np.sqrt(len(values_)))


@torch.no_grad()
def _features(judge: Adherence, pictures: Array) -> np.ndarray:
    x = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))) * 2 - 1
    found: np.ndarray = judge.features(x).mean((2, 3)).numpy().astype(np.float64)
    return found


def _looks(count: int) -> list[Look]:
    """Looks that visit every scene, palette, light and composition in turn, in steps that have no common rhythm."""
    scenes, palettes, lights, compositions = (values(a) for a in ("scene", "palette", "light", "composition"))
    return [
        Look(
            scenes[k % len(scenes)],
            palettes[(k * 5 + k // len(scenes)) % len(palettes)],
            lights[(k * 3 + k // len(scenes)) % len(lights)],
            compositions[(k + k // len(scenes)) % len(compositions)],
        )
        for k in range(count)
    ]


def _samples(count: int, side: int) -> tuple[list[str], list[int], Array]:
    looks = _looks(count)
    copies = np.stack([render(look, side, side, 100 + k, grain=False) for k, look in enumerate(looks)])
    return [prompt(look) for look in looks], [100 + k for k in range(count)], copies
