"""Prompts that lean towards others: the two ends, what lies between, and each picture in its own way, on real tiny pipelines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tiny_pipelines import tiny_flux, tiny_sd3, tiny_sdxl, tiny_stable_diffusion

from dco.errors import BadInput
from dco.generate.backend import load_backend, unable
from dco.generate.diffusion.leaning import leaning
from dco.generate.picture import Failure, Picture
from dco.generate.request import Request

HERE, THERE = "a red beach at noon", "snow on a dark mountain"


def request(prompt: str = HERE, toward: str = "", lean: float = 0.0, **more: Any) -> Request:
    more = {"steps": 2, "guidance": 3.0} | more
    return Request(
        (("palette", "blue"), ("scene", "beach")), prompt, 64, 64, 5, toward=toward, lean=lean, **more
    )


def drawn(backend: Any, *requests: Request) -> list[np.ndarray]:
    found = list(backend.generate(requests))
    assert all(isinstance(p, Picture) for p in found), found
    return [p.pixels.astype(float) for p in found]


@pytest.mark.parametrize("checkpoint", [tiny_stable_diffusion, tiny_sdxl, tiny_sd3, tiny_flux])
def test_every_kind_of_checkpoint_leans_and_a_little_leaning_moves_a_picture_less(checkpoint: Any) -> None:
    backend = load_backend("diffusers", folder=checkpoint(), size="request")
    asked = [request(), request(toward=THERE, lean=0.02), request(toward=THERE, lean=0.9), request(THERE)]
    plain, little, far, other = drawn(backend, *asked)
    moved = [np.abs(p - plain).mean() for p in (little, far, other)]
    assert moved[1] > 0
    assert moved[0] <= moved[1], "a fiftieth of the way is nearer than nine tenths"
    alone = drawn(backend, asked[2])[0]
    assert np.array_equal(alone, far), "its neighbours' leanings are not its own"


def test_embeddings_are_interpolated_and_the_encoder_is_given_back() -> None:
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(tiny_stable_diffusion())
    give = lambda texts: pipe.encode_prompt(texts, "cpu", 1, True, ["nothing", "nothing"])  # noqa: E731
    own, other, kept = give([HERE, HERE]), give([THERE, THERE]), pipe.encode_prompt
    with leaning(pipe, [THERE, THERE], [0.25, 0.0]):
        found, negative = give([HERE, HERE])
    assert torch.allclose(found[0], 0.75 * own[0][0] + 0.25 * other[0][0], atol=1e-6)
    assert torch.equal(found[1], own[0][1]) and torch.equal(negative, own[1])
    assert pipe.encode_prompt == kept and torch.equal(give([HERE, HERE])[0], own[0])
    with pytest.raises(RuntimeError), leaning(pipe, [THERE], [0.5]):
        raise RuntimeError
    assert pipe.encode_prompt == kept


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"toward": THERE}, "come together or not at all"),
        ({"lean": 0.5}, "come together or not at all"),
        ({"toward": THERE, "lean": 1.0}, "expected 0 or more and less than 1, got 1.0"),
        ({"toward": THERE, "lean": -0.1}, "expected 0 or more and less than 1"),
        ({"toward": THERE, "lean": float("nan")}, "expected 0 or more and less than 1"),
    ],
)
def test_a_leaning_without_aim_or_measure_is_refused(more: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        request(**more)


def test_what_does_not_lean_keeps_its_key_and_what_leans_comes_back_from_its_record() -> None:
    assert "toward" not in request().as_dict() and "lean" not in request().as_dict()
    leant = request(toward=THERE, lean=0.3)
    assert Request.from_dict(leant.as_dict()) == leant
    assert len({r.key("m") for r in (request(), leant, request(toward=THERE, lean=0.4))}) == 3


def test_backends_that_read_no_words_say_so() -> None:
    leant = request(toward=THERE, lean=0.3)
    for name in ("procedural", "embedded"):
        backend = load_backend(name)
        assert "toward" in unable(backend, leant)
        (outcome,) = backend.generate([leant])
        assert isinstance(outcome, Failure) and "toward" in outcome.reason


def test_a_prompt_to_lean_towards_that_is_too_long_is_refused_and_never_cut() -> None:
    backend = load_backend("diffusers", folder=tiny_stable_diffusion(), size="request")
    (outcome,) = backend.generate([request(toward="snow " * 400, lean=0.5)])
    assert isinstance(outcome, Failure) and outcome.reason.startswith("toward, prompt of")
