"""Moods as a grade over the finished picture: contrast, saturation, brightness and a tint."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dco.generate.canvas import Array, Stage

_GREY = np.array([0.3, 0.59, 0.11], np.float32)


class Grade(NamedTuple):
    """`contrast` and `saturation` around the picture's own mean, `lift` added to the darks, `tint` multiplied."""

    contrast: float
    saturation: float
    lift: float
    tint: tuple[float, float, float]


GRADES = {
    "calm": Grade(0.78, 0.8, 0.06, (1.0, 1.0, 0.99)),
    "fresh": Grade(0.95, 1.0, 0.09, (0.97, 1.01, 1.04)),
    "bold": Grade(1.28, 1.3, -0.02, (1.0, 1.0, 1.0)),
    "luxurious": Grade(1.12, 0.85, -0.08, (1.03, 0.99, 0.92)),
    "playful": Grade(1.05, 1.22, 0.04, (1.02, 1.0, 1.0)),
}


def mood(s: Stage, picture: Array) -> None:
    """Grade a picture for the stage's mood, in place."""
    grade = GRADES[s.mood]
    grey = np.tensordot(_GREY, picture, 1)
    middle = float(grey.mean())
    picture -= grey
    picture *= np.float32(grade.saturation)
    picture += (grey - middle) * np.float32(grade.contrast) + np.float32(middle + grade.lift)
    picture *= np.array(grade.tint, np.float32)[:, None, None]
