"""Short schedules: they start where strength says, end at a clean latent, and walk a flow whose end is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dco.errors import BadModel
from dco.generate.diffusion.schedule import LEAST, Even, Short, short_solver


@given(st.integers(1, 60), st.floats(0.05, 1.0))
def test_levels_start_at_the_strength_and_fall(steps: int, strength: float) -> None:
    levels = Short(steps, strength, 2.0).levels()
    assert levels[0] == strength
    assert all(a > b > 0 for a, b in pairwise(levels))
    assert len(levels) == max(LEAST, int(steps * strength))


@given(st.integers(1, 60), st.floats(0.05, 1.0), st.floats(1.1, 9.0))
def test_one_visit_is_guided(steps: int, strength: float, guidance: float) -> None:
    short = Short(steps, strength, guidance)
    visits = len(short.levels())
    heard = [short.guidance_at(k, visits) for k in range(visits)]
    assert sorted(heard) == [1.0] * (visits - 1) + [guidance]
    assert Even(steps, strength, guidance).guidance_at(0, visits) == guidance


def test_strengths_that_an_even_schedule_takes_for_one_are_told_apart() -> None:
    assert Even(12, 0.6, 1.5).first() == Even(12, 0.65, 1.5).first()
    assert Short(12, 0.6, 1.5).levels() != Short(12, 0.65, 1.5).levels()


@pytest.mark.parametrize("strength", [0.3, 0.6, 0.75])
@pytest.mark.parametrize(("steps", "miss"), [(9, 0.12), (36, 0.01), (180, 1e-4)])
def test_the_solver_walks_a_known_flow_to_its_end(strength: float, steps: int, miss: float) -> None:
    """The oracle: data of one Gaussian have a velocity in closed form, and the flow's end is a linear map of its start."""
    from diffusers import DPMSolverMultistepScheduler

    folder = DPMSolverMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1.0
    )
    solver, spread = short_solver(folder), 0.5
    levels = Short(steps, strength, 1.0).levels()
    solver.set_timesteps(sigmas=np.array(levels))
    solver.set_begin_index(0)
    x = start = torch.linspace(-2, 2, 41, dtype=torch.float64)[None]
    np.testing.assert_allclose(solver.timesteps.numpy(), 1000 * np.array(levels), atol=1)
    for level, time in zip(levels, solver.timesteps, strict=True):
        variance = (1 - level) ** 2 * spread**2 + level**2
        velocity = (level - (1 - level) * spread**2) / variance * x
        x = solver.step(velocity, time, x, return_dict=False)[0]
    at_start = np.sqrt((1 - strength) ** 2 * spread**2 + strength**2)
    np.testing.assert_allclose(x.numpy(), (start * spread / at_start).numpy(), rtol=miss)


def test_a_model_that_is_no_rectified_flow_is_refused_by_name() -> None:
    from diffusers import DDIMScheduler

    with pytest.raises(BadModel, match=r"'epsilon'.*backend 'diffusers'"):
        short_solver(DDIMScheduler())
