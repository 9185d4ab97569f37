"""What the default is made of. An ablation takes one ingredient out at a time, to see what it earns; nobody else need know."""

from __future__ import annotations

from dataclasses import dataclass

from dco.elements.model import FitSettings
from dco.elements.rates import USUAL
from dco.prompts.propose import DRAWS, TEMPERATURES
from dco.stats.best import GRID

ALONE = USUAL._replace(shared=1e-6, own=USUAL.shared + USUAL.own)
"""Variances where segments share nothing: an option's whole effect is each segment's own."""


@dataclass(frozen=True)
class Recipe:
    """Ingredients, each at its default."""

    temperatures: tuple[float, ...] = TEMPERATURES
    near_winners: bool = True
    """Whether small changes of winners and children of two of them are candidates beside the model's draws."""
    explored: float = 0.5
    """Part of the shares that goes by P(best) whatever looking ahead says; 1 looks ahead nowhere, 0 in everything."""
    trial_days: float = 12.0
    """Days of a segment's traffic that arms under trial may claim together; 0: no limit."""
    while_undecided: int = 2
    """Ideas a night while data cannot tell whether creatives differ; 0: none before the evidence is there."""
    asks: bool = True
    """Whether ideas are ranked by their chance of approval, and asked for at the pace of the answers."""
    pooled: bool = True
    delay: bool = True
    wear: bool = True
    pairs: bool = False
    half_life_days: float | None = None

    def fit(self, stages: tuple[str, ...], *, learn_between: bool) -> FitSettings:
        """The element model's settings."""
        return FitSettings(
            stages=stages, half_life_days=self.half_life_days, wear=self.wear, learn_between=learn_between,
            pairs=self.pairs, delay=self.delay, usual=USUAL if self.pooled else ALONE,
        )  # fmt: skip


DEFAULT = Recipe()


@dataclass(frozen=True)
class Effort:
    """What a speed spends; `exact` is what every figure of the engine was measured with unless it says otherwise."""

    learn_between: bool = True
    draws: int = DRAWS
    best_cells: int = GRID


SPEEDS = {"exact": Effort(), "fast": Effort(learn_between=False, draws=DRAWS // 2, best_cells=GRID // 2)}
