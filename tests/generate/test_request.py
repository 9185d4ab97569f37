from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dco.errors import BadInput, UnknownName
from dco.generate.reference import Reference
from dco.generate.request import Request, fewest_steps
from dco.generate.vocabulary import Look

BEACH = Request.of({"scene": "beach", "palette": "blue"}, 300, 250, seed=7)


def photo(seed: int, width: int = 300, height: int = 250, *, grey: bool = False) -> Reference:
    shape = (height, width) if grey else (height, width, 3)
    return Reference(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def test_every_field_and_the_model_change_the_key() -> None:
    others = [
        replace(BEACH, attributes=(("palette", "coral"), ("scene", "beach"))),
        replace(BEACH, prompt="another"),
        replace(BEACH, width=301),
        replace(BEACH, height=251),
        replace(BEACH, seed=8),
        replace(BEACH, strength=0.61),
        replace(BEACH, steps=13),
        replace(BEACH, guidance=1.6),
        replace(BEACH, negative="text"),
        replace(BEACH, init=photo(1)),
        replace(BEACH, init=photo(2)),
        replace(BEACH, init=photo(1), mask=photo(1, grey=True)),
        replace(BEACH, style=photo(1)),
        replace(BEACH, control=photo(1)),
        replace(BEACH, adapters=(("brand", 0.5),)),
        replace(BEACH, adapters=(("brand", 0.6),)),
    ]
    keys = {request.key("m") for request in [BEACH, *others]} | {BEACH.key("n")}
    assert len(keys) == len(others) + 2
    assert all(len(key) == 64 for key in keys)


def test_the_key_does_not_depend_on_the_order_of_attributes_or_the_type_of_a_number() -> None:
    a = Request((("scene", "beach"), ("palette", "blue")), "p", 64, 64, 1, strength=1, guidance=2)
    b = Request((("palette", "blue"), ("scene", "beach")), "p", 64, 64, 1, strength=1.0, guidance=2.0)
    assert a == b
    assert a.key("m") == b.key("m")


def test_the_key_of_a_known_request_never_moves_unnoticed() -> None:
    """SHA-256 of the canonical JSON, computed with `sha256sum` outside of Python."""
    request = Request((("palette", "blue"), ("scene", "beach")), "beach", 300, 250, 7)
    assert request.key("m") == "b82ade70454c70937808306751c2b934bc43d07043a72e5a58b9ba8fe4e2cb44"


@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4),
    st.integers(8, 8192),
    st.integers(0, 2**63 - 1),
    st.floats(0.2, 1),
)
def test_a_request_survives_being_written_down(
    attributes: dict[str, str], side: int, seed: int, strength: float
) -> None:
    request = Request.of(attributes, side, side, seed, prompt="x", strength=strength)
    assert Request.from_dict(request.as_dict()) == request


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 7),
        ("height", 9000),
        ("width", 10.5),
        ("seed", -1),
        ("seed", True),
        ("steps", 0),
        ("strength", 0),
        ("strength", 1.01),
        ("strength", float("nan")),
        ("strength", 0.05),
        ("guidance", float("inf")),
        ("guidance", -1),
        ("attributes", (("scene", "beach"), ("scene", "foliage"))),
        ("init", photo(1, 299)),
        ("init", photo(1, grey=True)),
        ("init", np.zeros((250, 300, 3), np.uint8)),
        ("control", photo(1, 300, 251)),
        ("style", photo(1, 9, 9, grey=True)),
        ("mask", photo(1, grey=True)),
        ("adapters", (("brand", float("nan")),)),
        ("adapters", (("brand", 5),)),
        ("adapters", (("brand", 1), ("brand", 0.5))),
    ],
)
def test_a_value_out_of_range_is_named(field: str, value: object) -> None:
    with pytest.raises(BadInput, match=f"request, {field}"):
        replace(BEACH, **{field: value})


def test_without_a_prompt_the_options_are_the_caption() -> None:
    assert BEACH.prompt == "beach, blue palette, soft light, centered"
    assert Request.of({"weather": "calm", "object": "a red hat"}, 64, 64, 1).prompt == "a red hat, calm"


def test_the_look_is_read_from_options_or_else_from_the_prompt() -> None:
    assert BEACH.look() == Look("beach", "blue")
    assert Request.of({"scene": "neon_grid", "palette": "pink"}, 64, 64, 1).look().scene == "neon grid"
    assert Request.of({}, 64, 64, 1, prompt="sandy beach at night, blue tones").look() == Look(
        "beach", "blue", "night"
    )


@pytest.mark.parametrize(
    ("attributes", "prompt", "word"),
    [
        ({"scene": "beach"}, "", "palette"),
        ({"scene": "beech", "palette": "blue"}, "", "beach"),
        ({"scene": "beach", "palette": "blue", "weather": "calm"}, "", "weather"),
        ({}, "blue beach with a flamingo", "flamingo"),
    ],
)
def test_a_look_the_renderer_cannot_paint_is_refused_by_name(
    attributes: dict[str, str], prompt: str, word: str
) -> None:
    with pytest.raises((BadInput, UnknownName), match=word):
        Request.of(attributes, 64, 64, 1, prompt=prompt).look()


def test_a_request_with_pictures_survives_being_written_down_by_hash() -> None:
    whole = replace(
        BEACH,
        init=photo(1),
        mask=photo(2, grey=True),
        style=photo(3, 9, 9),
        negative="text",
        adapters=(("a", 1),),
    )
    read = Request.from_dict(json.loads(json.dumps(whole.as_dict())))
    assert read == whole and hash(read) == hash(whole)
    assert read.key("m") == whole.key("m")
    assert read.init is not None
    with pytest.raises(BadInput, match="keeps its hash only"):
        _ = read.init.pixels


def test_fields_of_real_checkpoints_that_are_not_used_are_not_in_the_key() -> None:
    assert set(BEACH.as_dict()) == {
        "attributes", "prompt", "width", "height", "seed", "strength", "steps", "guidance",
    }  # fmt: skip


@given(st.floats(0.005, 1))
def test_the_fewest_steps_of_a_strength_run_one_and_one_less_runs_none(strength: float) -> None:
    fewest = fewest_steps(strength)
    assert int(fewest * strength) >= 1
    assert int((fewest - 1) * strength) < 1
