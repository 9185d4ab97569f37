"""Which noise levels a denoiser visits, and where it is guided: as diffusers does it, or in few visits.

A rectified flow from a render is short and nearly straight: measured on the embedded model, five well-placed visits of
which one is guided make the pictures that seven evenly spaced and guided ones make (twelve steps at strength .6), at six
passes of the denoiser in place of fourteen (`dco bench generate`). Three things do it together:

- the last visits are closer to the end, where fine detail is decided (spacing by a power, as in Karras et al. 2022,
  "Elucidating the design space of diffusion-based generative models", eq. 5, with exponent 1.5);
- a predictor-corrector of second order that reuses each visit twice (UniPC: Zhao et al. 2023, "UniPC: a unified
  predictor-corrector framework for fast sampling of diffusion models");
- guidance where it decides and nowhere else (Kynkäänniemi et al. 2024, "Applying guidance in a limited interval
  improves sample and distribution quality in diffusion models"): at the second visit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dco.errors import BadModel

SPACING = 1.5
"""Power by which noise levels fall from the first visit to the end."""

GUIDED = 1
"""Index of the visit that is guided in a short schedule."""

LEAST = 3
"""Visits of a short schedule at the least: with two, the solver has nothing to correct itself by, and misses the end of a
flow whose end is known by 14 %."""


@dataclass(frozen=True)
class Even:
    """diffusers' own image-to-image: `int(steps * strength)` of `steps` evenly spaced levels, all guided alike."""

    steps: int
    strength: float
    guidance: float

    def first(self) -> int:
        """The step that is run first."""
        return max(self.steps - int(self.steps * self.strength), 0)

    def guidance_at(self, visit: int, visits: int) -> float:
        """The guidance scale of a visit, counted from 0."""
        return self.guidance


@dataclass(frozen=True)
class Short:
    """`int(steps * strength)` visits, at least three, from exactly `strength` on; one of them guided, by `guidance`.

    Where an even schedule starts at the nearest of its steps (0.60 and 0.65 of twelve are the same seven), this one
    starts at the very level: strength is continuous.
    """

    steps: int
    strength: float
    guidance: float

    def first(self) -> int:
        """The visit that is run first: a short schedule has none to leave out."""
        return 0

    def levels(self) -> list[float]:
        """Noise levels (share of noise in a latent) of the visits, falling.

        >>> [round(level, 2) for level in Short(9, 0.6, 2.5).levels()]
        [0.6, 0.43, 0.28, 0.15, 0.05]
        """
        visits = max(int(self.steps * self.strength), LEAST)
        return [self.strength * (1 - k / visits) ** SPACING for k in range(visits)]

    def guidance_at(self, visit: int, visits: int) -> float:
        """The guidance scale of a visit, counted from 0."""
        return self.guidance if visit == GUIDED else 1.0


def short_solver(scheduler: Any) -> Any:
    """A solver for short schedules, over the same noise schedule as the folder's.

    Raises:
        BadModel: the folder's model is no rectified flow, which is what short schedules were measured for.
    """
    from diffusers import UniPCMultistepScheduler

    told = scheduler.config
    if told.get("prediction_type") != "flow_prediction" or not told.get("use_flow_sigmas"):
        raise BadModel(
            f"the model's scheduler predicts {told.get('prediction_type', 'nothing stated')!r}; the backend 'embedded' "
            "needs a rectified flow (flow_prediction with use_flow_sigmas); use the backend 'diffusers'"
        )
    return UniPCMultistepScheduler.from_config(
        told, solver_order=2, solver_type="bh2", lower_order_final=True, flow_shift=1.0
    )
