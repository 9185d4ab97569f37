"""The picture shows what was asked for.

The model folder's own classifier reads the embedded vocabulary: an attribute fails when the word asked for is all but
ruled out. Where the picture lies on the render of its request, tone and colour are compared with it, too. A CLIP model
scores pictures of real checkpoints where one is configured. Whatever none of them can tell is not judged, and said so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, log, nan

import numpy as np
from scipy.ndimage import gaussian_filter

from dco.generate.gates._subject import Floats, Gauge, Measure, Reading, Subject, Words
from dco.generate.vocabulary import ATTRIBUTES

_LEAST = 1e-9


@dataclass(frozen=True)
class _Adherence(Gauge):
    def judge(self, subject: Subject, limits: Mapping[str, float]) -> tuple[Reading, ...]:
        """Surprise per attribute in nats, distance from the render, CLIP score; or one reading that says: not judged."""
        found = Gauge.judge(self, subject, limits)
        if not found:
            return (Reading("adherence", nan, note=f"not judged: {_why_not(subject)}"),)
        return found


def _measure(subject: Subject) -> Mapping[str, float]:
    found: dict[str, float] = {}
    if subject.classifier is not None and subject.look is not None:
        asked = {a: getattr(subject.look, a) for a in ATTRIBUTES}
        found |= surprise(asked, subject.classifier(subject.small))
    if subject.render_lab is not None:
        found |= _against(subject.small_lab, subject.render_lab)
    if subject.clip is not None:
        found["clip"] = subject.clip(subject.pixels, subject.request.prompt)
    return found


def surprise(asked: Mapping[str, str], read: Words) -> dict[str, float]:
    """-ln of the probability of each word asked for.

    Empty where the classifier does not know the scene, or any other word that shapes the picture: what it says of the
    rest is then a guess.
    """
    stated = {a: word for a, word in asked.items() if word != "none"}
    if any(word not in read.get(a, {}) for a, word in stated.items()):
        return {}
    return {a: -log(max(_LEAST, read[a][word])) for a, word in stated.items()}


def _against(shown: Floats, render: Floats) -> dict[str, float]:
    """Mean colour difference (CIE 1976), and what is lost of the large forms' agreement."""
    off = (shown - render).reshape(-1, 3).mean(0)
    a, b = gaussian_filter(shown[..., 0], 3.0).ravel(), gaussian_filter(render[..., 0], 3.0).ravel()
    spread = float(a.std() * b.std())
    forms = float(np.mean((a - a.mean()) * (b - b.mean()))) / spread if spread > 1e-6 else nan
    out = {"colour": float(np.sqrt((off**2).sum())), "forms": forms}
    return {name: value for name, value in out.items() if isfinite(value)}


def _why_not(subject: Subject) -> str:
    if not subject.large_enough:
        return "the picture is too small"
    if subject.classifier is not None and subject.look is not None:
        return "the classifier does not know every word asked for, and no CLIP model is configured"
    return "there is no classifier of its words, and no CLIP model is configured"


_WORD = "does not look like its {0}: the classifier is surprised by {{value:.1f}} nats; at most {{limit:.1f}} is allowed"

GATE = _Adherence(
    "adherence",
    {
        **{a: Measure("most", _WORD.format(a), 3.0) for a in ATTRIBUTES},
        "colour": Measure("most", "other colours than asked for: {value:.1f} from the render (dE); at most {limit:.1f} is allowed", 0.6),
        "forms": Measure("least", "another scene than asked for: its forms agree with the render's to {value:.2f}; at least {limit:.2f} is needed", 0.15),
        "clip": Measure("least", "does not look like its prompt: CLIP score {value:.3f}; at least {limit:.3f} is needed"),
    },
    _measure,
)  # fmt: skip
