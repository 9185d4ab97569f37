"""What an approver should look at twice in an imported picture: blurred, busy where the words go, or there already.

The gates were fitted on what the engine draws, and a photographer may mean a soft or a busy picture. So nothing is refused
here: a person has chosen the picture, and a person approves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import sqrt

from dco.generate.cache import PictureCache
from dco.generate.gates.sharpness import COARSE, FINE
from dco.generate.picture import Picture
from dco.generate.quality.likeness import Thumb, misfit, thumb
from dco.generate.quality.panel import ALIKE, Panel, calibrated
from dco.jobs.names import short
from dco.store.arms import ArmRow

GATES = ("sharpness", "copy_space")
"""Those that tell something of a photograph. Artefacts are told from renders, and words are not asked of it."""

SOFT = 2.0
"""Standard deviation, in pixels of a cut, of the blur from which on a photograph is called soft. The gates' own limit is that
of a checkpoint's pictures, which have no lens: it lets almost any photograph pass."""

EDGE = sqrt((SOFT**2 + COARSE**2) / (SOFT**2 + FINE**2))
"""How much steeper a straight edge under that blur is at the fine scale than at the coarse one (Zhuo and Sim 2011)."""

Size = tuple[int, int]


class Doubts:
    """Measures pictures, and remembers those it has seen."""

    def __init__(self, cache: PictureCache, rows: Iterable[ArmRow]) -> None:
        self._panel = Panel(gates=GATES, limits={**calibrated(), "sharpness.edge": EDGE})
        self._seen: list[tuple[Size, Thumb, str, int]] = []
        for row in rows:
            for key in row.creative.requests:
                if (found := cache.thumb(key)) is not None:
                    told = f"{short(row.arm_id)} in {row.segment}"
                    self._seen.append((*found, told, row.creative.seed))

    def of(self, file: str, pictures: Mapping[Size, Picture]) -> tuple[dict[Size, Picture], tuple[str, ...]]:
        """The cuts of a file with what was measured on them, and a warning per doubt; each is told once, of the first cut."""
        verdicts = {size: self._panel.judge(picture) for size, picture in pictures.items()}
        doubts: dict[str, str] = {}
        for (width, height), verdict in verdicts.items():
            for reading in verdict.readings:
                if reading.reason:
                    gate = reading.name.partition(".")[0]
                    doubts.setdefault(gate, f"{file}: cut to {width}x{height}: {reading.reason}")
        twin = self._twin(file, pictures)
        measured = {size: replace(p, quality=verdicts[size].quality) for size, p in pictures.items()}
        return measured, (*doubts.values(), *([f"{file}: shows nearly the same as {twin}"] if twin else []))

    def _twin(self, file: str, pictures: Mapping[Size, Picture]) -> str:
        """What the picture repeats, or ''. Its cuts show one scene, so the first that has the size of an earlier one tells."""
        limit, twin = self._panel.limits[ALIKE], ""
        for size, picture in pictures.items():
            small, seed = thumb(picture.pixels), picture.request.seed
            if not twin and self._panel.compares(picture):
                earlier = (s for s in self._seen if s[0] == size and s[3] != seed)
                twin = next((told for _, other, told, _ in earlier if misfit(small, other) <= limit), "")
            self._seen.append((size, small, file, seed))
        return twin
