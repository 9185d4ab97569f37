"""Both torch backends on real Stable Diffusion folders of random weights: loading, repeating, refusing, failing alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_pipelines import tiny_flux, tiny_sdxl, tiny_stable_diffusion

from dco.errors import BadInput, BadModel, UnknownName
from dco.generate import threads
from dco.generate.backend import load_backend
from dco.generate.backends.embedded import copy_size
from dco.generate.picture import Failure, Outcome, Picture
from dco.generate.request import Request

LOOK = {"scene": "beach", "palette": "blue"}


def request(seed: int = 1, width: int = 64, height: int = 64, **fields: Any) -> Request:
    return Request.of(
        fields.pop("attributes", LOOK), width, height, seed, steps=fields.pop("steps", 4), **fields
    )


def pixels(outcome: Outcome) -> np.ndarray:
    assert isinstance(outcome, Picture), outcome
    return outcome.pixels


@pytest.fixture(scope="module", params=["embedded", "diffusers"])
def backend(request: pytest.FixtureRequest) -> Any:
    return load_backend(request.param, folder=tiny_stable_diffusion(), batch=3)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder of one's own to spoil."""
    return Path(shutil.copytree(tiny_stable_diffusion(), tmp_path / "model"))


POOL = [
    request(seed, width, height, strength=strength, attributes={"scene": scene, "palette": "coral"})
    for seed, scene, width, height, strength in [
        (1, "beach", 64, 64, 0.5),
        (2, "foliage", 64, 64, 0.5),
        (3, "beach", 96, 40, 0.5),
        (4, "neon grid", 64, 64, 0.75),
        (5, "beach", 40, 96, 0.5),
        (6, "marble tabletop", 50, 60, 0.5),
    ]
]
_ALONE: dict[tuple[str, int], np.ndarray] = {}


@settings(max_examples=8)
@given(picked=st.lists(st.integers(0, len(POOL) - 1), min_size=1, max_size=5))
def test_the_same_request_gives_the_same_bytes_in_any_company_and_order(
    backend: Any, picked: list[int]
) -> None:
    for number, outcome in zip(picked, backend.generate([POOL[i] for i in picked]), strict=True):
        alone = _ALONE.setdefault(
            (backend.__module__, number), pixels(next(backend.generate([POOL[number]])))
        )
        assert outcome.request == POOL[number]
        assert (pixels(outcome) == alone).all()


def test_a_fresh_load_gives_the_same_bytes(backend: Any) -> None:
    again = type(backend)(folder=tiny_stable_diffusion(), batch=3)
    assert (pixels(next(again.generate([POOL[0]]))) == pixels(next(backend.generate([POOL[0]])))).all()


def test_seed_strength_and_prompt_change_the_picture(backend: Any) -> None:
    wanted = [
        request(strength=0.5),
        request(2, strength=0.5),
        request(strength=0.75),
        request(attributes={**LOOK, "palette": "pink"}, strength=0.5),
    ]
    made = [pixels(o).tobytes() for o in backend.generate(wanted)]
    assert len(set(made)) == len(made)


def test_a_text_to_image_request_starts_from_noise_and_not_from_the_render() -> None:
    backend = load_backend(tiny_stable_diffusion())
    text = {"mood": "calm"}
    wanted = [
        request(attributes=text, strength=1.0),
        request(attributes=text, strength=0.5),
        request(strength=1.0, prompt="calm"),
        request(strength=0.5, prompt="calm"),
    ]
    noise, no_render, same_words, from_render = (pixels(o) for o in backend.generate(wanted))
    # Options the renderer does not know leave nothing to start from: strength then plays no part.
    assert (noise == no_render).all()
    assert (noise == same_words).all()
    assert not (noise == from_render).all()


@pytest.mark.parametrize(("width", "height"), [(33, 47), (160, 600), (300, 20)])
def test_any_size_is_met_exactly(backend: Any, width: int, height: int) -> None:
    assert pixels(next(backend.generate([request(1, width, height)]))).shape == (height, width, 3)


def test_a_size_is_drawn_near_the_area_the_model_knows() -> None:
    native = load_backend(tiny_stable_diffusion())
    exact = load_backend("diffusers", folder=tiny_stable_diffusion(), size="request")
    assert native.working_size(640, 640) == (64, 64)
    assert native.working_size(1200, 300) == (128, 32)
    assert exact.working_size(150, 600) == (144, 608)
    assert native.model_id != exact.model_id


def test_a_prompt_too_long_is_a_failure_that_names_both_lengths_and_never_cut() -> None:
    backend = load_backend(tiny_stable_diffusion())
    long, short = backend.generate([request(prompt="a " * 90), request(prompt="a " * 70)])
    assert isinstance(long, Failure)
    assert "prompt of 92 tokens, of which the text encoder reads 77" in long.reason
    assert isinstance(short, Picture)


def test_the_embedded_model_fails_a_look_or_a_strength_it_cannot_do_and_goes_on() -> None:
    backend = load_backend("embedded", folder=tiny_stable_diffusion())
    wanted = [
        request(attributes={"scene": "moon", "palette": "blue"}),
        request(),
        request(strength=0.9),
        request(attributes={}, prompt="blue beach with a flamingo"),
        request(attributes={}, prompt="blue beach at night"),
    ]
    outcomes = list(backend.generate(wanted))
    assert [isinstance(o, Picture) for o in outcomes] == [False, True, False, False, True]
    reasons = [o.reason for o in outcomes if isinstance(o, Failure)]
    assert "moon" in reasons[0] and "0.75" in reasons[1] and "flamingo" in reasons[2]


def _spoil_weights(folder: Path, part: str, change: Callable[[dict[str, Any]], None]) -> None:
    from safetensors.torch import load_file, save_file

    file = next((folder / part).glob("*.safetensors"))
    weights = load_file(file)
    change(weights)
    save_file(weights, file)


def _fill(value: float) -> Callable[[dict[str, Any]], None]:
    def change(weights: dict[str, Any]) -> None:
        for tensor in weights.values():
            tensor.fill_(value)

    return change


@pytest.mark.parametrize("name", ["embedded", "diffusers"])
@pytest.mark.parametrize("part", ["unet", "vae"])
@pytest.mark.filterwarnings("error")
def test_weights_that_are_not_numbers_give_failures_and_no_black_picture(
    name: str, part: str, copy: Path
) -> None:
    _spoil_weights(copy, part, _fill(float("nan")))
    outcomes = list(load_backend(name, folder=copy).generate([request(), request(2)]))
    assert all(isinstance(o, Failure) and "not finite" in o.reason for o in outcomes), outcomes


@pytest.mark.parametrize("name", ["embedded", "diffusers"])
def test_a_decoder_that_draws_one_colour_gives_failures(name: str, copy: Path) -> None:
    _spoil_weights(copy, "vae", _fill(0.0))
    (outcome,) = load_backend(name, folder=copy).generate([request()])
    assert isinstance(outcome, Failure) and "flat" in outcome.reason


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_missing_weights_are_refused_and_not_invented(part: str, copy: Path) -> None:
    """Both libraries fill the gap with random numbers, or with none, and only warn."""

    def drop(weights: dict[str, Any]) -> None:
        del weights[sorted(weights)[3]]

    _spoil_weights(copy, part, drop)
    with pytest.raises(BadModel, match=f"{part}: has no weights for"):
        list(load_backend("embedded", folder=copy).generate([request()]))


def test_a_half_copied_file_is_refused_before_anything_is_loaded(copy: Path) -> None:
    file = next((copy / "unet").glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-10])
    for name in ("embedded", "diffusers"):
        with pytest.raises(BadModel, match="Copy it again"):
            load_backend(name, folder=copy)


def test_weights_that_do_not_fit_the_configuration_are_one_line(copy: Path) -> None:
    config = copy / "unet" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "cross_attention_dim": 20}))
    with pytest.raises(BadModel) as caught:
        list(load_backend("embedded", folder=copy).generate([request()]))
    assert "\n" not in str(caught.value) and str(copy) in str(caught.value)


def test_a_folder_of_half_precision_only_is_read_without_being_told(copy: Path, tmp_path: Path) -> None:
    import torch
    from diffusers import StableDiffusionPipeline

    from dco.generate.diffusion.pipeline import quiet

    half = tmp_path / "half"
    with quiet():
        pipe = StableDiffusionPipeline.from_pretrained(copy, use_safetensors=True, local_files_only=True)
        pipe.to(torch.float16).save_pretrained(half, variant="fp16")
    assert list(half.rglob("*.fp16.safetensors"))
    whole = pixels(next(load_backend("embedded", folder=copy).generate([request()])))
    found = pixels(next(load_backend("embedded", folder=half).generate([request()])))
    assert np.abs(found.astype(int) - whole).mean() < 2


@pytest.mark.parametrize("folder", [tiny_sdxl, tiny_flux])
def test_other_kinds_of_checkpoint_draw_from_noise_and_from_the_render(folder: Callable[[], Path]) -> None:
    backend = load_backend(folder(), size="request", batch=2)
    wanted = [
        request(prompt="calm", strength=1.0),
        request(prompt="calm", strength=0.5),
        request(2, 90, 50, prompt="calm", strength=1.0),
        request(prompt="calm " * 130),
    ]
    noise, from_render, oblong, too_long = backend.generate(wanted)
    assert not (pixels(noise) == pixels(from_render)).all()
    assert pixels(oblong).shape == (50, 90, 3)
    assert isinstance(too_long, Failure) and "shorten it" in too_long.reason


def test_a_pinned_revision_is_read_from_the_hub_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache's own layout: a snapshot is a folder of links to blobs, named by the commit."""
    from huggingface_hub import constants

    commit, root = "0123456789" * 4, tmp_path / "models--owner--tiny"
    (root / "blobs").mkdir(parents=True)
    for number, file in enumerate(f for f in tiny_stable_diffusion().rglob("*") if f.is_file()):
        place = root / "snapshots" / commit / file.relative_to(tiny_stable_diffusion())
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, root / "blobs" / str(number))
        place.symlink_to(root / "blobs" / str(number))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    backend = load_backend("owner/tiny", revision=commit)
    assert backend.model_id == load_backend(tiny_stable_diffusion()).model_id
    assert isinstance(next(backend.generate([request()])), Picture)
    with pytest.raises(BadModel, match="download it once"):
        load_backend("owner/tiny", revision="f" * 40)


class _Explodes:
    """Stands before a real part and raises on chosen calls."""

    def __init__(self, real: Callable[..., Any], at: set[int], error: Exception) -> None:
        self.real, self.at, self.error, self.calls = real, at, error, 0

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.calls += 1
        if self.calls in self.at:
            raise self.error
        return self.real(*arguments, **named)


@pytest.fixture
def fresh(copy: Path) -> Iterator[Any]:
    yield load_backend("diffusers", folder=copy, batch=4)


def test_out_of_memory_halves_the_batch_and_every_picture_is_made(fresh: Any, monkeypatch: Any) -> None:
    calls = _Explodes(fresh._model.draw, {1, 2}, RuntimeError("CUDA out of memory. Tried to allocate"))
    monkeypatch.setattr(fresh._model, "draw", calls)
    outcomes = list(fresh.generate([request(i) for i in range(4)]))
    assert all(isinstance(o, Picture) for o in outcomes)
    assert calls.calls == 2 + 4  # 4 fails, 2 fails, then one by one


def test_a_step_that_raises_fails_one_variant_only(fresh: Any, monkeypatch: Any) -> None:
    real = fresh._model.draw

    def draw(prompts: list[str], seeds: list[int], **named: Any) -> Any:
        if 2 in seeds:
            raise FloatingPointError("a step failed")
        return real(prompts, seeds, **named)

    monkeypatch.setattr(fresh._model, "draw", draw)
    outcomes = list(fresh.generate([request(i) for i in range(4)]))
    assert [isinstance(o, Failure) for o in outcomes] == [False, False, True, False]
    assert outcomes[2].reason == "FloatingPointError: a step failed"  # type: ignore[union-attr]


def test_the_number_of_threads_is_settled_once() -> None:
    assert threads.settle() == threads.settle(1) == 1
    with pytest.raises(BadInput, match="already works with 1"):
        threads.settle(2)
    with pytest.raises(BadInput, match="1 or more"):
        threads.settle(0)


def test_a_door_that_leads_nowhere_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'embedded'"):
        load_backend("embeded")
    with pytest.raises(BadInput, match="options: folder, threads, batch, device"):
        load_backend("embedded", colour="red")
    with pytest.raises(BadModel, match="no such folder"):
        load_backend(tmp_path / "nowhere")
    with pytest.raises(BadModel, match="40 hex digits"):
        load_backend("owner/name", revision="main")
    with pytest.raises(BadModel, match="not in the local cache"):
        load_backend("owner/name", revision="0" * 40)


@pytest.mark.parametrize(
    ("size", "copy"),
    [
        ((1080, 1080), (128, 128)),
        ((300, 250), (128, 128)),
        ((1200, 628), (192, 96)),
        ((728, 90), (192, 96)),
        ((160, 600), (96, 192)),
        ((1080, 1350), (128, 128)),
        ((1080, 1920), (96, 192)),
    ],
)
def test_the_small_copy_has_the_nearest_trained_shape(size: tuple[int, int], copy: tuple[int, int]) -> None:
    assert copy_size(*size) == copy
