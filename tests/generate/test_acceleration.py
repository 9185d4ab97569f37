"""Options in, the same pictures out, and a plain refusal of what cannot be. What needs a GPU is in tests/gpu."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_pipelines import tiny_flux, tiny_stable_diffusion

from dco.compose.sizes import SIZES, masters
from dco.errors import BadInput, BadModel
from dco.generate.backend import load_backend
from dco.generate.diffusion import pipeline
from dco.generate.diffusion.acceleration import accelerate, compiled, component_bytes
from dco.generate.diffusion.acceleration_options import ASPECTS, Acceleration, bucket, offload_plan
from dco.generate.diffusion.drawing import Bucket, Job, finish, prepare
from dco.generate.models.folder import check
from dco.generate.picture import Picture
from dco.generate.reference import Reference
from dco.generate.request import Request
from dco.records import size_of

GIB = 2**30


def loaded(folder: Path) -> Any:
    return pipeline.load(check(folder), device="cpu", dtype=torch.float32)


def draw(pipe: Any, size: int = 32) -> np.ndarray:
    with torch.inference_mode(), pipeline.quiet():
        return np.asarray(
            pipe(["calm"], num_inference_steps=3, guidance_scale=2.0, width=size, height=size, output_type="np",
                 generator=[torch.Generator().manual_seed(4)], return_dict=False)[0]
        )  # fmt: skip


def decoder(folder: Path, channels: int) -> Path:
    from diffusers import AutoencoderTiny

    torch.manual_seed(2)
    AutoencoderTiny(
        encoder_block_out_channels=(4, 4, 4, 4), decoder_block_out_channels=(4, 4, 4, 4),
        num_encoder_blocks=(1, 1, 1, 1), num_decoder_blocks=(1, 1, 1, 1), latent_channels=channels,
    ).save_pretrained(folder)  # fmt: skip
    (folder / "LICENSE.json").write_text('{"license": "MIT"}')
    return folder


@pytest.fixture
def tiny_decoder(tmp_path: Path) -> Path:
    return decoder(tmp_path / "tiny", 4)


@pytest.mark.parametrize("folder", [tiny_stable_diffusion, tiny_flux])
def test_fused_projections_give_the_same_pictures(folder: Any) -> None:
    stock, fused = loaded(folder()), loaded(folder())
    assert accelerate(fused, "cpu", Acceleration(fused_qkv=True)) == "none"
    assert any(
        "to_qkv" in name for name, _ in (getattr(fused, "unet", None) or fused.transformer).named_modules()
    )
    np.testing.assert_allclose(draw(fused), draw(stock), atol=1e-4)


def test_on_a_cpu_nothing_but_the_memory_layout_changes() -> None:
    stock, fast = loaded(tiny_stable_diffusion()), loaded(tiny_stable_diffusion())
    accelerate(fast, "cpu")
    assert fast.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    assert fast.unet.dtype == torch.float32 and not hasattr(fast.unet.conv_in, "_compiled_call_impl_")
    np.testing.assert_allclose(draw(fast), draw(stock), atol=1e-4)


def test_a_tiny_decoder_takes_the_place_of_the_large_one_and_is_recorded(tiny_decoder: Path) -> None:
    options, pipe = Acceleration(tiny_vae=str(tiny_decoder)), loaded(tiny_stable_diffusion())
    before = draw(pipe)
    accelerate(pipe, "cpu", options)
    assert type(pipe.vae).__name__ == "AutoencoderTiny"
    assert np.abs(draw(pipe) - before).mean() > 0.01
    assert options.license["acceleration"]["tiny_vae"] == {"license": "MIT"}
    assert options.lossy[0].startswith("tiny_vae=") and options.lossy[0] in options.mark
    assert str(tiny_decoder) not in options.mark


def test_a_tiny_decoder_of_other_latents_is_refused(tmp_path: Path) -> None:
    wide = decoder(tmp_path / "wide", 8)
    with pytest.raises(BadModel, match="decodes 8 latent channels; the model's latents have 4"):
        accelerate(loaded(tiny_stable_diffusion()), "cpu", Acceleration(tiny_vae=str(wide)))


def test_another_folder_is_no_tiny_decoder(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match=r"found no config\.json"):
        Acceleration(tiny_vae=str(tmp_path))
    with pytest.raises(BadModel, match="expected 'AutoencoderTiny'"):
        Acceleration(tiny_vae=str(tiny_stable_diffusion() / "vae"))


def test_weights_kept_in_8_bits_take_a_quarter_of_single_precision_and_draw_nearly_the_same() -> None:
    stock, small = loaded(tiny_flux()), loaded(tiny_flux())
    accelerate(small, "cpu", Acceleration(fp8_weights=True))
    assert component_bytes(small)["transformer"] < 0.5 * component_bytes(stock)["transformer"]
    difference = np.abs(draw(small) - draw(stock))
    assert 0 < difference.mean() < 0.1


def test_caching_the_first_block_of_a_transformer_saves_the_others() -> None:
    pipe = loaded(tiny_flux())
    calls = []
    accelerate(pipe, "cpu", Acceleration(first_block_cache=0.9))
    pipe.transformer.single_transformer_blocks[0].proj_mlp.register_forward_hook(lambda *_: calls.append(1))
    assert np.isfinite(draw(pipe)).all()
    assert 1 <= len(calls) < 3
    with pytest.raises(BadInput, match="only transformers can"):
        accelerate(loaded(tiny_stable_diffusion()), "cpu", Acceleration(first_block_cache=0.1))


@pytest.mark.parametrize(("options", "words"), [
    ({"compile": True}, "needs a CUDA device"),
    ({"fp8": True}, "needs a CUDA device"),
    ({"offload": "model"}, "there is none"),
])  # fmt: skip
def test_what_only_a_gpu_can_do_is_refused_on_a_cpu(options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        accelerate(loaded(tiny_stable_diffusion()), "cpu", Acceleration(**options))


def test_fusing_under_an_adapter_is_refused() -> None:
    with pytest.raises(BadInput, match="LoRA or IP-Adapter"):
        accelerate(loaded(tiny_stable_diffusion()), "cpu", Acceleration(fused_qkv=True), overlaid=True)


@pytest.mark.parametrize(("stated", "words"), [
    ("turbo", "nobody knows 'turbo'; known: compile, "),
    ("fp8, fp8", "stated twice"),
    ("compile=maybe", "expected true, false or auto, got 'maybe'"),
    ("fp8=yes", "expected true or false"),
    ("offload=disk", "expected auto, none, model or sequential"),
    ("first_block_cache=lots", "expected a number"),
    ("first_block_cache=1.5", "expected 0 to below 1"),
    ("first_block_cache", "expected 0 to below 1"),
    ("fp8, fp8_weights", "exclude each other"),
])  # fmt: skip
def test_an_option_nobody_knows_or_a_value_out_of_range_is_one_line(stated: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        Acceleration.parse(stated)
    assert "\n" not in str(caught.value)


def test_text_and_mapping_mean_the_same() -> None:
    text = Acceleration.parse(" compile = false,fp8_weights, first_block_cache=0.08 ")
    assert text == Acceleration.parse({"compile": False, "fp8_weights": True, "first_block_cache": 0.08})
    assert Acceleration.parse("") == Acceleration()


def test_every_stated_option_that_moves_a_picture_is_in_the_mark() -> None:
    assert Acceleration().mark == "" and Acceleration().license == {}
    assert Acceleration(offload="model").mark == ""
    assert Acceleration(compile=False).mark == "compile=false" and Acceleration(compile=False).license == {}
    lossy = Acceleration(fp8=True, first_block_cache=0.08)
    assert lossy.mark == "fp8+first_block_cache=0.08"
    assert lossy.license == {"acceleration": {"lossy": ["fp8", "first_block_cache=0.08"]}}


@pytest.mark.parametrize(("weights", "free", "asked", "expected"), [
    ((5, 1, 2), 24, "auto", "none"), ((5, 1, 2), 11, "auto", "none"), ((5, 1, 2), 10.9, "auto", "model"),
    ((5, 1, 2), 8, "auto", "model"), ((5, 1, 2), 7.9, "auto", "sequential"), ((5, 1, 2), 1, "auto", "sequential"),
    ((5, 1, 2), 1, "none", "none"), ((5, 1, 2), 80, "sequential", "sequential"), ((), 4, "auto", "none"),
])  # fmt: skip
def test_weights_stay_where_they_fit(weights: Any, free: float, asked: Any, expected: str) -> None:
    sizes = {str(n): int(size * GIB) for n, size in enumerate(weights)}
    assert offload_plan(sizes, int(free * GIB), asked) == expected


@given(st.integers(8, 8192), st.integers(8, 8192))
def test_every_shape_falls_into_one_of_few_buckets(width: int, height: int) -> None:
    shapes = {bucket(round(1000 * a), 1000, 1024, 64) for a in ASPECTS}
    w, h = bucket(width, height, 1024, 64)
    assert (w, h) in shapes and w % 64 == h % 64 == 0
    assert 0.9 < w * h / 1024**2 < 1.1


BACKDROPS = sorted({masters([size])[size] for size in SIZES} | {size_of(size) for size in SIZES})
"""Every picture that an ad is cut from, and every ad's own size."""


def test_compiled_code_meets_few_sizes_whatever_ads_are_asked_for() -> None:
    compiling, plain = (load_backend(tiny_stable_diffusion()) for _ in range(2))
    assert not compiled(compiling._model._text) and not plain._model.compiled
    compiling._model._text.unet.compile_repeated_blocks(backend="eager")
    assert compiling._model.compiled
    shapes = {size: compiling.working_size(*size) for size in BACKDROPS}
    assert len(shapes) > 10 and len(set(shapes.values())) <= len(ASPECTS)
    for (width, height), (wide, high) in shapes.items():
        assert wide % 16 == high % 16 == 0
        assert max(width / height / (wide / high), wide / high / (width / height)) < 2.5
    assert len({plain.working_size(*size) for size in BACKDROPS}) > len(ASPECTS)


def test_a_picture_from_a_fixed_size_has_the_size_that_was_asked_for() -> None:
    held, plain = (load_backend(tiny_stable_diffusion(), batch=2) for _ in range(2))
    held._model._text.unet.compile_repeated_blocks(backend="eager")
    sizes = [(60, 50), (108, 135), (97, 25), (50, 100), (108, 108)]
    wanted = [Request.of({"scene": "beach", "palette": "blue"}, *s, 5, steps=4, strength=0.5) for s in sizes]
    for one, other in zip(held.generate(wanted), plain.generate(wanted), strict=True):
        assert isinstance(one, Picture) and isinstance(other, Picture)
        assert one.pixels.shape == other.pixels.shape == (one.request.height, one.request.width, 3)


@given(st.integers(20, 90), st.integers(20, 90))
def test_what_is_held_inside_a_fixed_size_comes_out_as_it_went_in(width: int, height: int) -> None:
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    init = Reference(np.dstack([x, y, 255 - (x + y) / 2]).astype(np.uint8))
    request = Request.of({}, width, height, 1, prompt="calm", init=init, strength=0.5)
    job = Job(0, request, "k", None)
    side = Bucket((400, 320), 4, 1.0, 0.5, False, True, False, False, None, False, (), held=True)
    wide, high = side.window(request)
    assert (wide == 400 or high == 320) and abs(wide / high - width / height) < 0.06 * width / height
    start = prepare(job, side).start
    assert start is not None and start.shape == (320, 400, 3)
    found = finish(job, side, start, 0.0)
    assert isinstance(found, Picture) and found.pixels.shape == (height, width, 3)
    assert np.abs(found.pixels.astype(int) - init.pixels).max() < 8
    top, left = (320 - high) // 2, (400 - wide) // 2
    assert (start[:top] == start[top]).all() and (start[:, :left] == start[:, left : left + 1]).all()


def test_components_are_weighed_by_what_they_hold() -> None:
    pipe = loaded(tiny_stable_diffusion())
    weighed = component_bytes(pipe)
    assert set(weighed) == {"unet", "vae", "text_encoder"}
    file = tiny_stable_diffusion() / "unet" / "diffusion_pytorch_model.safetensors"
    assert abs(weighed["unet"] / file.stat().st_size - 1) < 0.2


def test_the_backend_takes_options_and_says_so_in_its_id_and_licence(tiny_decoder: Path) -> None:
    plain = load_backend(tiny_stable_diffusion(), size="request")
    fast = load_backend(tiny_stable_diffusion(), size="request", accelerate=f"tiny_vae={tiny_decoder}")
    assert fast.model_id.startswith(plain.model_id) and "tiny_vae=" in fast.model_id
    assert "acceleration" in fast.license and "acceleration" not in plain.license
    request = Request.of({"scene": "beach", "palette": "blue"}, 64, 64, 1, steps=3, strength=1.0)
    one, other = next(plain.generate([request])), next(fast.generate([request]))
    assert isinstance(one, Picture) and isinstance(other, Picture) and one.key != other.key
    assert (one.pixels != other.pixels).any()
    with pytest.raises(BadInput, match="nobody knows 'warp'"):
        load_backend(tiny_stable_diffusion(), accelerate="warp")
