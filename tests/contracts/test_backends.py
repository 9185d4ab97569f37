"""What every backend promises, whatever it draws with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from image_api import healthy
from tiny_pipelines import tiny_stable_diffusion

from dco import registry
from dco.errors import BadInput
from dco.generate.backend import load_backend, model_id
from dco.generate.picture import Failure, Picture
from dco.generate.request import Request

OPTIONS: dict[str, Callable[[], dict[str, Any]]] = {
    "procedural": dict,
    "embedded": lambda: {"folder": tiny_stable_diffusion()},
    "diffusers": lambda: {"folder": tiny_stable_diffusion()},
    "openai_images": lambda: {
        "base_url": healthy(),
        "model": "gpt-image-1.5",
        "sizes": "64x64, 96x64, 64x96",
        "prompt_limit": 1000,
    },
}
"""A backend not named here is loaded without options."""

REQUESTS = [
    Request.of({"scene": scene, "palette": "teal"}, width, height, seed, strength=0.5, steps=2)
    for seed, (scene, width, height) in enumerate(
        [("beach", 64, 48), ("studio podium", 40, 40), ("beach", 30, 70), ("foliage", 64, 48)]
    )
]


@pytest.fixture(scope="module", params=registry.names("backends"))
def backend(request: pytest.FixtureRequest) -> Any:
    return load_backend(request.param, **OPTIONS.get(request.param, dict)())


def test_one_outcome_per_request_in_order_with_its_key(backend: Any) -> None:
    outcomes = list(backend.generate(REQUESTS))
    assert [o.request for o in outcomes] == REQUESTS
    for outcome in outcomes:
        assert isinstance(outcome, Picture)
        assert outcome.key == outcome.request.key(backend.model_id)
        assert outcome.pixels.dtype == np.uint8
        assert outcome.pixels.shape == (outcome.request.height, outcome.request.width, 3)
        assert outcome.seconds > 0
        assert not outcome.cached


def test_the_same_request_gives_the_same_bytes_in_any_order(backend: Any) -> None:
    forward = [o.sha256 for o in backend.generate(REQUESTS)]
    backward = [o.sha256 for o in backend.generate(REQUESTS[::-1])]
    alone = [next(iter(backend.generate([r]))).sha256 for r in REQUESTS]
    assert forward == backward[::-1] == alone
    assert len(set(forward)) == len(REQUESTS)


def test_progress_counts_every_request_once(backend: Any) -> None:
    seen: list[tuple[int, int]] = []
    list(backend.generate(REQUESTS, lambda done, total: seen.append((done, total))))
    assert seen == [(n, len(REQUESTS)) for n in range(1, len(REQUESTS) + 1)]


def test_nothing_asked_is_nothing_made(backend: Any) -> None:
    assert list(backend.generate([])) == []


def test_a_request_that_cannot_be_met_fails_alone(backend: Any) -> None:
    bad = Request.of({}, 40, 40, 1, prompt="word " * 400, steps=2)
    first, failed, last = backend.generate([REQUESTS[0], bad, REQUESTS[1]])
    assert isinstance(first, Picture) and isinstance(last, Picture)
    assert isinstance(failed, Failure)
    assert failed.reason and "\n" not in failed.reason
    assert failed.key == bad.key(backend.model_id)


def test_it_says_what_it_is_and_under_which_licence(backend: Any) -> None:
    assert isinstance(backend.license["license"], str) and backend.license["license"]
    assert backend.model_id and backend.model_id.isascii()


@pytest.mark.parametrize("name", registry.names("backends"))
def test_an_unknown_option_is_refused_by_name(name: str) -> None:
    with pytest.raises(BadInput, match="no_such_option"):
        load_backend(name, **OPTIONS.get(name, dict)(), no_such_option=1)


@pytest.mark.parametrize("name", registry.names("backends"))
def test_loading_and_asking_for_the_id_imports_no_torch(name: str) -> None:
    options = OPTIONS.get(name, dict)()
    assert model_id(name, **options) == load_backend(name, **options).model_id
    code = (
        "import sys; from pathlib import Path, PosixPath\n"
        "from dco.generate.backend import load_backend\n"
        f"load_backend({name!r}, **{options!r}).model_id\n"
        "print([m for m in ('torch', 'diffusers', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
