"""The panel of gates, near-duplicates, sets, and calibration: what is refused, what is said, and by which numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from math import exp
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dco.errors import BadInput, BadModel, UnknownName
from dco.generate.backend import load_backend
from dco.generate.gates._lab import lab
from dco.generate.gates._subject import Subject
from dco.generate.gates.adherence import GATE as ADHERENCE
from dco.generate.gates.adherence import surprise
from dco.generate.gates.copy_space import copy_zone
from dco.generate.picture import Picture
from dco.generate.quality.calibrate import LIMITS, calibrate
from dco.generate.quality.defects import COPIES, DEFECTS
from dco.generate.quality.likeness import consistency, misfit, thumb
from dco.generate.quality.panel import Panel, calibrated, worst
from dco.generate.request import Request
from dco.generate.vocabulary import COMPOSITIONS, PALETTES, scene_names

LOOK = {"scene": "studio podium", "palette": "teal", "light": "soft light", "composition": "copy space left"}


def drawn(seed: int = 5, size: tuple[int, int] = (300, 252), **look: str) -> Picture:
    (found,) = load_backend("procedural").generate([Request.of({**LOOK, **look}, *size, seed)])
    assert isinstance(found, Picture)
    return found


@pytest.fixture(scope="module")
def good() -> Picture:
    return drawn()


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel.of(load_backend("procedural"))


# --- colour


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
    ],
)
def test_lab_of_known_colours(rgb: tuple[float, ...], expected: tuple[float, ...]) -> None:
    """Published values of the sRGB primaries under D65."""
    assert lab(np.array(rgb, np.float32)) == pytest.approx(expected, abs=0.05)


# --- the panel


def test_a_good_picture_passes_and_carries_its_values(good: Picture, panel: Panel) -> None:
    verdict = panel.judge(good)
    assert (verdict.fault, verdict.gate) == ("", "")
    assert {
        "sound.spread",
        "sharpness.detail",
        "artefacts.blocks",
        "copy_space.added",
        "adherence.forms",
    } <= set(verdict.quality)
    assert verdict.quality["sharpness.detail"] == pytest.approx(1, abs=0.25)
    assert verdict.quality["adherence.colour"] < 1


@pytest.mark.parametrize("name", sorted(set(DEFECTS) - {"soft under grain", "saturation push"}))
def test_a_planted_defect_is_refused_in_words(name: str, good: Picture, panel: Panel) -> None:
    spoilt = DEFECTS[name].plant(good.pixels, np.random.default_rng(2))
    verdict = panel.judge(replace(good, pixels=spoilt))
    assert {r.name.partition(".")[0] for r in verdict.readings if r.reason} & {"sharpness", "artefacts"}, (
        verdict
    )
    assert verdict.fault and "\n" not in verdict.fault


def test_an_unsound_picture_is_measured_no_further(good: Picture, panel: Panel) -> None:
    verdict = panel.judge(replace(good, pixels=np.zeros_like(good.pixels)))
    assert verdict.gate == "sound" and verdict.fault.startswith("black")
    assert len(verdict.readings) == 1


def test_a_picture_on_no_render_is_not_compared_with_one(good: Picture) -> None:
    verdict = Panel(faithful=False).judge(good)
    assert not {"sharpness.detail", "artefacts.saturation", "adherence.colour"} & set(verdict.quality)
    assert "sharpness.edge" in verdict.quality
    assert any("not judged" in note for note in verdict.notes)


def test_a_request_with_a_picture_of_its_own_is_not_compared_with_the_render(good: Picture) -> None:
    from dco.generate.reference import Reference

    request = replace(good.request, init=Reference(np.ascontiguousarray(good.pixels[::-1])))
    assert Subject(request, good.pixels, faithful=True).render_lab is None


def test_chosen_gates_alone_are_asked(good: Picture) -> None:
    assert {name.partition(".")[0] for name in Panel(gates=["copy_space"]).judge(good).quality} == {
        "copy_space"
    }
    with pytest.raises(UnknownName, match="no_such_gate"):
        Panel(gates=["no_such_gate"])


def test_the_worst_of_several_pictures_goes_by_the_side_of_the_limit() -> None:
    found = worst(
        [
            {"sharpness.detail": 0.9, "artefacts.blocks": 0.01},
            {"sharpness.detail": 0.7, "artefacts.blocks": 0.02},
        ]
    )
    assert found == {"sharpness.detail": 0.7, "artefacts.blocks": 0.02}


@given(st.sampled_from(sorted(COMPOSITIONS)), st.integers(40, 400), st.integers(40, 400))
def test_the_copy_zone_is_half_the_picture_on_the_side_of_the_copy(
    word: str, width: int, height: int
) -> None:
    rows, columns = copy_zone(word, width, height)
    marked = np.zeros((height, width))
    marked[rows, columns] = 1
    assert marked.mean() == pytest.approx(0.5, abs=0.02)
    assert marked[0, 0] == (word != "copy space right")
    assert marked[-1, -1] == (word == "copy space right")


# --- adherence


@given(st.floats(0.001, 0.999))
def test_surprise_is_the_negative_logarithm_of_the_word_asked_for(p: float) -> None:
    found = surprise({"scene": "beach", "season": "none"}, {"scene": {"beach": p, "foliage": 1 - p}})
    assert exp(-found["scene"]) == pytest.approx(p)
    assert set(found) == {"scene"}


def test_a_word_the_classifier_does_not_know_is_not_judged_and_said_so() -> None:
    one = drawn(scene=scene_names()[0])

    def ignorant(_: np.ndarray) -> dict[str, dict[str, float]]:
        return {"scene": {"somewhere else": 1.0}}

    (reading,) = ADHERENCE.judge(Subject(one.request, one.pixels, classifier=ignorant), calibrated())
    assert not reading.reason and "does not know every word" in reading.note


def test_the_classifier_of_the_embedded_model_tells_palettes_apart() -> None:
    """A real classifier, on the scenes and words it knows."""
    folder = Path(__file__).parents[2] / "data" / "models" / "embedded"
    known = json.loads((folder / "adherence" / "words.json").read_text())
    scene = known["scene"][0]
    one = drawn(scene=scene, palette="blue", size=(256, 256))
    judge = Panel(model=folder, limits={"adherence.palette": 3.0}, gates=["adherence"])
    if "adherence.palette" not in judge.judge(one).quality:
        assert set(dict(one.request.attributes)) - set(known)
        return
    assert not judge.judge(one).fault
    other = drawn(scene=scene, palette="amber", size=(256, 256))
    assert judge.judge(replace(one, pixels=other.pixels)).gate == "adherence"


def test_clip_scores_a_picture_where_a_clip_model_is_configured(tmp_path: Path, good: Picture) -> None:
    folder = tiny_clip(tmp_path / "clip")
    value = Panel(gates=["adherence"], clip=str(folder)).judge(good).quality["adherence.clip"]
    assert -1 <= value <= 1
    refused = Panel(gates=["adherence"], clip=str(folder), clip_least=value + 0.01).judge(good)
    assert refused.gate == "adherence" and "CLIP score" in refused.fault


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("modeling.py", "import os", "may hold code"),
        ("config.json", '{"model_type": "bert"}', "expected 'clip'"),
        ("weights.bin", "x", "may hold code"),
    ],
)
def test_a_clip_folder_that_is_none_or_holds_code_is_refused(
    tmp_path: Path, file: str, content: str, said: str, good: Picture
) -> None:
    (tmp_path / file).write_text(content)
    with pytest.raises(BadModel, match=said):
        Panel(gates=["adherence"], clip=str(tmp_path)).judge(good)


def tiny_clip(folder: Path) -> Path:
    """A CLIP model of a few thousand random weights, as save_pretrained writes it."""
    from tiny_pipelines import tiny_stable_diffusion
    from transformers import AutoTokenizer, CLIPConfig, CLIPImageProcessorPil, CLIPModel

    tokenizer = AutoTokenizer.from_pretrained(tiny_stable_diffusion() / "tokenizer")
    part = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {
        **part,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 77,
        "eos_token_id": tokenizer.eos_token_id,
    }
    vision = {**part, "image_size": 32, "patch_size": 8}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)).save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(
        folder
    )
    tokenizer.save_pretrained(folder)
    return folder


# --- near-duplicates and sets


@pytest.mark.parametrize("name", sorted(COPIES))
@pytest.mark.parametrize("scene", ["beach", "studio podium", "city skyline"])
def test_a_copy_is_nearer_than_another_seed(name: str, scene: str) -> None:
    one = drawn(scene=scene)
    copied = misfit(thumb(one.pixels), thumb(COPIES[name].plant(one.pixels, np.random.default_rng(1))))
    other = misfit(thumb(one.pixels), thumb(drawn(seed=77, scene=scene).pixels))
    assert copied <= calibrated()["near_duplicate"] < other


@given(st.integers(0, 2**32))
@settings(max_examples=20)
def test_a_picture_is_no_distance_from_itself_and_order_hardly_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(0, 256, (36, 36, 3), np.uint8) for _ in range(2))
    assert misfit(a, a) == pytest.approx(0, abs=0.01)
    assert misfit(a, b) == pytest.approx(misfit(b, a), rel=0.35)


def test_other_colours_are_another_picture() -> None:
    first, *rest = (thumb(drawn(palette=p).pixels) for p in list(PALETTES)[:4])
    assert all(misfit(first, other) > calibrated()["near_duplicate"] for other in rest)


def test_a_set_of_one_brand_holds_together_better_than_a_mixed_one() -> None:
    brand = [thumb(drawn(seed=s, palette="teal").pixels) for s in range(6)]
    mixed = [thumb(drawn(seed=s, palette=p).pixels) for s, p in enumerate(list(PALETTES)[:6])]
    assert consistency(brand).spread < consistency(mixed).spread / 2
    assert consistency(brand[:1]).spread == 0


def test_only_a_picture_from_another_world_is_an_outlier_of_a_set() -> None:
    brand = [thumb(drawn(seed=s, palette="white").pixels) for s in range(8)]
    stranger = np.zeros_like(brand[0])
    stranger[..., 0] = 255
    limit = calibrated()["set.outlier"]
    assert consistency(brand).outliers(limit) == ()
    assert consistency([*brand, stranger]).outliers(limit) == (8,)


# --- calibration


def test_the_committed_limits_meet_what_is_promised_of_them() -> None:
    """At most two good pictures in a hundred are refused; planted defects are caught, faint smudges mostly."""
    found = json.loads(LIMITS.read_text())
    if not found["measured_on"]:
        pytest.skip("limits of a first fit, not measured yet: run `dco model gates --samples 400`")
    assert found["refused"]["all gates together"] <= 2
    assert found["refused"]["near-duplicates among all"] <= 1
    least = dict.fromkeys([*DEFECTS, "busy copy side", "wrong scene", *COPIES], 95) | {"colour smudges": 70}
    assert {
        name: found["caught"][name]["caught"]
        for name, share in least.items()
        if found["caught"][name]["caught"] < share
    } == {}


def test_calibration_needs_enough_pictures() -> None:
    with pytest.raises(BadInput, match="too few"):
        calibrate(10)
