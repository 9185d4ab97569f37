"""What only a GPU can show. Without one every test is skipped by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_pipelines import tiny_stable_diffusion

from dco.generate.backend import load_backend
from dco.generate.benchmarks.gpu import draw, large, xl_pipeline
from dco.generate.diffusion import pipeline
from dco.generate.diffusion.acceleration import accelerate
from dco.generate.diffusion.acceleration_options import Acceleration
from dco.generate.models.folder import check
from dco.generate.picture import Picture
from dco.generate.request import Request

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def test_the_accelerated_pipeline_draws_what_the_plain_one_draws() -> None:
    torch.manual_seed(0)
    plain = xl_pipeline("cuda", torch.float32, 32)
    fast = xl_pipeline("cuda", torch.float32, 32)
    fast.unet.load_state_dict(plain.unet.state_dict())
    fast.vae.load_state_dict(plain.vae.state_dict())
    accelerate(fast, "cuda", Acceleration())
    torch.testing.assert_close(draw(fast, 2, 128, 3, 2.0), draw(plain, 2, 128, 3, 2.0), atol=2e-2, rtol=0)


@pytest.mark.parametrize("offload", ["model", "sequential"])
def test_weights_moved_in_turn_draw_the_same(offload: str) -> None:
    request = Request.of({"scene": "beach", "palette": "blue"}, 64, 64, 1, steps=3, strength=1.0)
    whole = load_backend(tiny_stable_diffusion(), device="cuda", accelerate="offload=none")
    moved = load_backend(tiny_stable_diffusion(), device="cuda", accelerate=f"offload={offload}")
    one, other = next(whole.generate([request])), next(moved.generate([request]))
    assert isinstance(one, Picture) and isinstance(other, Picture)
    assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 2


def test_short_memory_moves_weights_by_itself() -> None:
    pipe = pipeline.load(check(tiny_stable_diffusion()), device="cpu", dtype=torch.float16)
    assert accelerate(pipe, "cuda", free=0) == "sequential"


def test_the_goals_for_one_large_gpu_are_reached() -> None:
    if torch.cuda.get_device_properties(0).total_memory < 70 * 2**30 or torch.cuda.get_device_capability() < (
        9,
        0,
    ):
        pytest.skip("the goals are set for an H100 or H200")
    thirty, four = large(2)
    assert 1 / thirty.seconds >= 0.95 and thirty.plain_seconds / thirty.seconds >= 2
    assert 1 / four.seconds >= 8
