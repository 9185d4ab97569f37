"""The picture is one: finite, of the size asked for, not black, not of one colour."""

from __future__ import annotations

from collections.abc import Mapping

from dco.generate.gates._subject import Reading, Subject
from dco.generate.soundness import FLAT, inspect, spread


class _Sound:
    def judge(self, subject: Subject, limits: Mapping[str, float]) -> tuple[Reading, ...]:
        """The largest standard deviation of a channel, of 255; the other reasons have no number."""
        asked = (subject.request.width, subject.request.height)
        fault = inspect(subject.pixels, asked) or ""
        value = spread(subject.pixels) * 255 if subject.pixels.ndim == 3 and subject.pixels.size else 0.0
        return (Reading("sound.spread", value, FLAT * 255, fault),)


GATE = _Sound()
