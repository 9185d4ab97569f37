"""The panel of gates a finished picture stands before: which ones, with what limits, and what they say together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any

from dco import registry
from dco.errors import UnknownName
from dco.generate.gates._subject import Gate, Gauge, Measure, Reading, Subject, Words
from dco.generate.picture import Picture

ALIKE, OUTLIER = "near_duplicate", "set.outlier"
"""Names of the two limits that concern more than one picture."""

FIRST = "sound"
"""Judged before the others: of a picture that is none, nothing else can be measured."""

CLASSIFIER = "adherence"
"""The model folder's own classifier, a folder within it."""


@dataclass(frozen=True)
class Verdict:
    """What the gates say of one picture. `gate` and `fault` name the first that fails and why; both are empty when all
    pass. `notes` say what was not judged."""

    readings: tuple[Reading, ...]

    @property
    def _failed(self) -> Reading | None:
        return next((r for r in self.readings if r.reason), None)

    @property
    def gate(self) -> str:
        return self._failed.name.partition(".")[0] if self._failed else ""

    @property
    def fault(self) -> str:
        return self._failed.reason if self._failed else ""

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(f"{r.name}: {r.note}" for r in self.readings if r.note)

    @property
    def quality(self) -> dict[str, float]:
        """Every value that was measured, by "gate.measure"."""
        return {r.name: round(r.value, 4) for r in self.readings if isfinite(r.value)}


class Panel:
    """Judges pictures of one backend.

    Args:
        faithful: its pictures lie on the renderer's and may be compared with it.
        model: the model's folder, whose classifier is asked where it has one.
        gates: names of the family 'gates'; default all.
        limits: "gate.measure" -> limit; default those that calibration wrote. What has no limit is measured only.
        clip: a local folder of a transformers CLIPModel in safetensors; "" is none.
        clip_least: the least CLIP score; None: it is measured only, because no calibration knows your model.

    Raises:
        UnknownName: there is no such gate.
    """

    def __init__(
        self,
        *,
        faithful: bool = False,
        model: Path | None = None,
        gates: Sequence[str] | None = None,
        limits: Mapping[str, float] | None = None,
        clip: str = "",
        clip_least: float | None = None,
    ) -> None:
        known = registry.names("gates")
        for name in gates or ():
            if name not in known:
                raise UnknownName("gate", name, known, where="panel")
        asked = known if gates is None else gates
        self.names = tuple(sorted(asked, key=lambda name: name != FIRST))
        self.limits = dict(calibrated() if limits is None else limits)
        if clip_least is not None:
            self.limits["adherence.clip"] = clip_least
        self._faithful, self._model, self._clip_folder = faithful, model, clip

    @classmethod
    def of(cls, backend: Any, **options: Any) -> Panel:
        """The panel that fits a backend: what it says of itself (`on_render`, `folder`) decides what can be compared."""
        folder = getattr(getattr(backend, "folder", None), "path", None)
        return cls(faithful=bool(getattr(backend, "on_render", False)), model=folder, **options)

    @property
    def settings(self) -> dict[str, Any]:
        """Options of `of` that make a panel of the same verdicts for the same backend elsewhere; they are JSON."""
        return {"gates": list(self.names), "limits": dict(self.limits), "clip": self._clip_folder}

    def judge(self, picture: Picture) -> Verdict:
        """Every gate's readings; when the picture is not sound, only those that say so."""
        subject = Subject(
            picture.request,
            picture.pixels,
            self._faithful,
            self._classifier if CLASSIFIER in self.names else None,
            self._clip if CLASSIFIER in self.names else None,
        )
        readings: list[Reading] = []
        for name in self.names:
            gate: Gate = registry.load("gates", name)
            readings += gate.judge(subject, self.limits)
            if name == FIRST and readings[-1].reason:
                break
        return Verdict(tuple(readings))

    def compares(self, picture: Picture) -> bool:
        """Whether a picture is large enough to be called a near-duplicate of another."""
        return Subject(picture.request, picture.pixels).large_enough

    @cached_property
    def _classifier(self) -> Callable[[Any], Words] | None:
        if self._model is None or not (self._model / CLASSIFIER / "model.safetensors").is_file():
            return None
        from dco.generate.quality.adherence import Adherence

        return Adherence.open(self._model).probabilities

    @cached_property
    def _clip(self) -> Callable[[Any, str], float] | None:
        if not self._clip_folder:
            return None
        from dco.generate.quality.clip_score import ClipScore

        return ClipScore(self._clip_folder)


def worst(measured: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Per measure the value nearest to being refused, over several pictures of one creative."""
    found: dict[str, float] = {}
    for quality in measured:
        for name, value in quality.items():
            gate, _, measure = name.partition(".")
            gauge = registry.load("gates", gate) if gate in registry.names("gates") else None
            most = (
                isinstance(gauge, Gauge) and gauge.measures.get(measure, Measure("least", "")).side == "most"
            )
            found[name] = (max if most else min)(value, found.get(name, value))
    return found


@cache
def calibrated() -> Mapping[str, float]:
    """The limits that `dco model gates` found, from limits.json beside the gates."""
    text = (files("dco.generate.gates") / "limits.json").read_text(encoding="utf-8")
    limits: Mapping[str, float] = json.loads(text)["limits"]
    return limits
