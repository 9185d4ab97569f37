from __future__ import annotations

import pytest
import torch

from dco.errors import BadInput
from dco.generate.benchmarks import gpu as benchmark_gpu


def test_the_architecture_is_that_of_sdxl() -> None:
    """2.567 billion weights is what its makers publish; 6.76 TFLOP a forward was counted on another tool's graph."""
    from diffusers import UNet2DConditionModel

    with torch.device("meta"):
        unet = UNet2DConditionModel(**benchmark_gpu.configurations()[0])
    assert sum(p.numel() for p in unet.parameters()) == 2_567_463_684


def test_operations_grow_with_steps_and_guidance_as_they_are_run() -> None:
    one, two, guided = (
        benchmark_gpu.operations(n, g, 64, 32) for n, g in ((1, False), (2, False), (1, True))
    )
    assert two == guided and 0 < one < two < 2 * one


def test_the_same_pipeline_in_small_draws_on_a_cpu() -> None:
    pipe = benchmark_gpu.xl_pipeline("cpu", torch.float32, 32)
    pictures = benchmark_gpu.draw(pipe, 2, 64, 2, 2.0)
    assert pictures.shape == (2, 3, 64, 64) and pictures.isfinite().all()


def test_a_matrix_product_has_a_speed() -> None:
    assert 1e8 < benchmark_gpu.matrix_speed("cpu", torch.float32, 256, 3) < 1e15


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_bench_says_so() -> None:
    with pytest.raises(BadInput, match="found no CUDA device"):
        benchmark_gpu.large(1)
