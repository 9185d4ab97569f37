"""The whole training, made tiny and run for real, and the folder it writes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dco.errors import BadInput, BadModel, DcoError, UnknownName
from dco.generate.vocabulary import ATTRIBUTES, OPTIONAL, Look, every_phrase, prompt, understand, values

torch = pytest.importorskip("torch", reason="needs the diffusion extra")
pytest.importorskip("diffusers", reason="needs the diffusion extra")

from crew_task import average_ranks  # noqa: E402

from dco.generate.autoencoder import PatchAutoencoder  # noqa: E402
from dco.generate.models import folder as model_folder  # noqa: E402
from dco.generate.quality.adherence import Adherence  # noqa: E402
from dco.generate.training import evaluate, train, train_judge  # noqa: E402
from dco.generate.training.captions import (  # noqa: E402
    build_tokenizer,
    caption,
    captions_of,
    every_word,
    token_ids,
)
from dco.generate.training.crew import launch  # noqa: E402
from dco.generate.training.looks import sample_looks  # noqa: E402
from dco.generate.training.measure import frechet, open_pipeline  # noqa: E402
from dco.generate.training.recipe import RECIPES  # noqa: E402
from dco.generate.training.renders import look_of, mirrored, random_labels  # noqa: E402

PROMPT = prompt(Look("beach", "blue"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished model folder of the tiny recipe."""
    lines: list[str] = []
    out = tmp_path_factory.mktemp("training") / "model"
    train(out, "tiny", minutes=0.03, workers=1, progress=lines.append)
    assert lines[0] == "renders ..."
    assert lines[-1] == "wrote model"
    return out


def generator(seed: int) -> Any:
    return torch.Generator().manual_seed(seed)


def test_the_folder_passes_the_gate_in_front_of_every_model(trained: Path) -> None:
    found = model_folder.check(trained)
    assert found.pipeline == "StableDiffusionPipeline"
    assert found.components["vae"] == ("dco.generate.autoencoder", "PatchAutoencoder")
    assert found.license["license"] == "Apache-2.0"
    assert found.license["commercial_use"] == "yes"
    assert found.license["revision"] == found.model_id


def test_the_folder_holds_half_precision_safetensors_only(trained: Path) -> None:
    weights = [p for p in trained.rglob("*") if p.stat().st_size > 100_000]
    assert {p.suffix for p in weights} <= {".safetensors", ".png", ".json"}
    for part in ("unet", "vae", "text_encoder"):
        assert next(p.name for p in (trained / part).glob("*.safetensors")).endswith(".fp16.safetensors")
    assert not list(trained.rglob("*.bin")) and not list(trained.rglob("*.pt"))


def test_the_card_says_what_the_pictures_are_not(trained: Path) -> None:
    card = (trained / "README.md").read_text()
    assert "Never call its pictures photographs" in card
    assert "does **not** contribute new objects" in card
    assert "not measured yet" in card.lower()
    for name in ("curve.png", "samples.png"):
        assert (trained / name).stat().st_size > 0
        assert name in card


def test_the_record_has_command_words_settings_and_curve(trained: Path) -> None:
    notes = json.loads((trained / "training.json").read_text())
    assert notes["command"] == "dco model train --recipe tiny --minutes 0.03 --workers 1"
    assert notes["words"]["scene"] == list(values("scene"))
    assert notes["settings"]["sizes"] == {"64x64": 0.8, "96x32": 0.2}
    assert notes["curve"][-1]["samples"] > 0


def test_no_file_names_the_place_it_was_made_in(trained: Path) -> None:
    for path in trained.rglob("*.json"):
        assert str(trained.parent) not in path.read_text()
        assert "_name_or_path" not in path.read_text()


def test_text_to_image_opens_the_folder_and_repeats_itself(trained: Path) -> None:
    pipe = open_pipeline(trained)
    arguments = {
        "num_inference_steps": 3,
        "guidance_scale": 1.5,
        "width": 64,
        "height": 64,
        "output_type": "np",
    }
    alone = pipe(PROMPT, generator=generator(4), **arguments).images
    batch = pipe([PROMPT] * 2, generator=[generator(3), generator(4)], **arguments).images
    assert alone.shape == (1, 64, 64, 3)
    assert np.isfinite(alone).all()
    assert alone[0] == pytest.approx(batch[1], abs=1e-5)


def test_image_to_image_opens_the_folder_at_another_aspect(trained: Path) -> None:
    from diffusers import AutoPipelineForImage2Image

    pipe = AutoPipelineForImage2Image.from_pretrained(
        trained, variant="fp16", torch_dtype=torch.float32, use_safetensors=True, local_files_only=True
    )
    pipe.set_progress_bar_config(disable=True)
    start = torch.zeros(1, 3, 32, 96)
    out = pipe(
        PROMPT, image=start, strength=0.5, num_inference_steps=4, generator=generator(0), output_type="np"
    ).images
    assert out.shape == (1, 32, 96, 3)


def test_evaluation_prints_a_table_beside_the_classifiers_ceiling(trained: Path) -> None:
    from dco.generate.training.assemble import record

    with pytest.raises(BadInput, match="n = 9 is too few"):
        evaluate(trained, 9)
    measured = evaluate(trained, 10)
    assert "text-to-image" in str(measured) and "renders (ceiling)" in str(measured)
    assert "delta transfer" in str(measured) and "seed-to-seed rms" in str(measured)
    assert set(measured.transfer.edge_iou) == set(values("scene")[:10])
    assert set(measured.adherence) == set(ATTRIBUTES)
    before = model_folder.model_id(trained)
    record(trained, measured)
    assert json.loads((trained / "training.json").read_text())["measured"]["pictures"] == 10
    card = (trained / "README.md").read_text()
    assert "renders: the classifier's ceiling" in card and "pictures by delta transfer" in card
    assert model_folder.model_id(trained) == before


def test_a_longer_run_resumes_and_a_finished_model_warm_starts(trained: Path, tmp_path: Path) -> None:
    again = train(trained, "tiny", minutes=0.05, workers=1, resume=True)
    curve = json.loads((again / "training.json").read_text())["curve"]
    samples = [point["samples"] for point in curve]
    assert samples == sorted(samples)
    assert curve[-1]["seconds"] >= 3
    warm = train(trained, "tiny", minutes=0.01, workers=1, resume=True, work=tmp_path / "work")
    classifier = Adherence.open(warm)
    assert classifier.words["palette"] == values("palette")
    assert json.loads((warm / "training.json").read_text())["command"].endswith("--resume")


def test_a_model_of_other_words_keeps_what_its_latents_mean(trained: Path, tmp_path: Path) -> None:
    """New words need a new text encoder; the denoiser is kept only if its latents stay what they were."""
    out = tmp_path / "model"
    shutil.copytree(trained, out)
    notes = json.loads((out / "training.json").read_text())
    notes["words"]["scene"] = notes["words"]["scene"][:3]
    (out / "training.json").write_text(json.dumps(notes))
    train(out, "tiny", minutes=0.01, workers=1, resume=True)
    parts = [PatchAutoencoder.from_pretrained(f / "vae", variant="fp16").eval() for f in (trained, out)]
    x = torch.rand(2, 3, 64, 64, generator=generator(0)) * 2 - 1
    with torch.no_grad():
        before, after = (part.encode(x).latents for part in parts)
    assert torch.equal(before, after)
    assert json.loads((out / "training.json").read_text())["words"]["scene"] == list(values("scene"))


def test_a_judge_learns_the_renders_of_today_and_the_model_stays_as_it_is(
    trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model"
    shutil.copytree(trained, out)
    weights = out / "adherence" / "model.safetensors"
    before, model = weights.read_bytes(), model_folder.check(out).model_id
    weights.write_bytes(before[:-4] + b"\0\0\0\0")
    train_judge(out, "tiny", workers=1)
    assert weights.read_bytes()[-4:] != b"\0\0\0\0"
    assert model_folder.check(out).model_id == model
    told = json.loads((out / "training.json").read_text())["steps"]["adherence classifier"]
    assert told["command"] == "dco model train --judge-only --recipe tiny --workers 1"
    assert set(told["accuracy"]) == set(ATTRIBUTES)


def test_a_judge_of_other_words_is_refused(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    shutil.copytree(trained, out)
    notes = json.loads((out / "training.json").read_text())
    notes["words"]["scene"] = notes["words"]["scene"][:3]
    (out / "training.json").write_text(json.dumps(notes))
    with pytest.raises(BadModel, match="other words than today's"):
        train_judge(out, "tiny", workers=1)


def test_the_shipped_model_is_small_and_its_record_names_these_very_weights() -> None:
    shipped = model_folder.check(model_folder.embedded_folder())
    assert sum(p.stat().st_size for p in shipped.path.rglob("*")) < 25e6
    assert all((shipped.path / name).stat().st_size < 400_000 for name in ("curve.png", "samples.png"))
    assert shipped.license["revision"] == shipped.model_id
    notes = json.loads((shipped.path / "training.json").read_text())
    assert notes["measured"]["pictures"] >= 400
    assert "_name_or_path" not in "".join(p.read_text() for p in shipped.path.glob("*/config.json"))


def test_the_shipped_model_draws_what_it_is_asked() -> None:
    """The record says 99 % of scenes: fewer than 17 right of 20 would be a chance of 1 in 23,000."""
    assert evaluate(model_folder.embedded_folder(), 20).adherence["scene"] >= 85


def test_a_folder_of_other_files_is_never_cleared(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match="not a training run's"):
        train(tmp_path / "model", "tiny", work=tmp_path / "work")
    assert (tmp_path / "work" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"recipe": "smal"}, UnknownName, "did you mean 'small'"),
        ({"recipe": "tiny", "minutes": 0}, BadInput, "minutes 0 is out of range"),
        ({"recipe": "tiny", "workers": 0}, BadInput, "workers 0 is out of range"),
        ({"recipe": "tiny", "resume": True}, BadModel, "nothing to go on from"),
    ],
)
def test_a_run_that_cannot_be_is_refused(
    tmp_path: Path, arguments: dict[str, Any], error: type[DcoError], said: str
) -> None:
    with pytest.raises(error, match=said):
        train(tmp_path / "model", **arguments)


def test_folders_without_a_model_or_classifier_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match=r"model_index\.json"):
        evaluate(tmp_path, 10)
    with pytest.raises(BadModel, match="no readable adherence classifier"):
        Adherence.open(tmp_path)


def test_every_word_is_one_token_and_no_canonical_caption_is_cut(tmp_path: Path) -> None:
    """Split words once cost a model its compositions: they stand last, and were cut off without a sign."""
    tokenizer = build_tokenizer(tmp_path, RECIPES["small"].text_tokens)
    assert [w for w in every_word() if len(tokenizer.tokenize(w)) != 1] == []
    longest: dict[str, str] = {}
    for attribute, _, phrase in every_phrase():
        longest[attribute] = max(longest.get(attribute, ""), phrase, key=lambda p: len(tokenizer.tokenize(p)))
    text = "background for a product ad, " + ", ".join(longest.values())
    assert set(longest) == set(ATTRIBUTES)
    assert len(tokenizer(text).input_ids) <= tokenizer.model_max_length
    assert token_ids(tokenizer, ["beach", "beach, blue palette"]).shape == (2, 48)


def test_captions_state_what_they_say_they_state() -> None:
    rng = np.random.default_rng(0)
    for look in map(look_of, random_labels(200, rng)):
        text, stated = caption(look, rng, drop=0.3)
        assert understand(text).look_parts == stated
        assert captions_of(look, 3, rng)[0] == prompt(look)


def test_labels_visit_every_word_and_half_state_no_season() -> None:
    labels = random_labels(4000, np.random.default_rng(1))
    for k, attribute in enumerate(ATTRIBUTES):
        seen, counts = np.unique(labels[:, k], return_counts=True)
        assert len(seen) == len(values(attribute))
        if attribute in OPTIONAL:
            assert counts[0] / len(labels) == pytest.approx(0.5, abs=0.04)  # five standard errors


def test_mirroring_swaps_the_copy_sides_and_nothing_else() -> None:
    labels = random_labels(60, np.random.default_rng(2))
    twins = mirrored(labels)
    assert np.array_equal(mirrored(twins), labels)
    others = [k for k, a in enumerate(ATTRIBUTES) if a != "composition"]
    assert np.array_equal(twins[:, others], labels[:, others])
    sides = [(look_of(a).composition, look_of(b).composition) for a, b in zip(labels, twins, strict=True)]
    assert set(sides) == {
        ("copy space left", "copy space right"),
        ("copy space right", "copy space left"),
        ("centered", "centered"),
    }


def test_the_autoencoder_starts_as_principal_components() -> None:
    """Pictures that live in 8 dimensions per patch come back exactly: the start is the best linear code."""
    torch.manual_seed(0)
    basis = torch.randn(8, 3, 8, 8) * 0.2
    weights = torch.randn(6, 8, 4, 4)
    weights -= weights.mean((0, 2, 3), keepdim=True)  # the linear decoder's bias can hold a flat mean only
    pictures = torch.einsum("nkhw,kcij->nchiwj", weights, basis).reshape(6, 3, 32, 32)
    model = PatchAutoencoder().eval()
    assert model.start_from_principal_components(pictures) == pytest.approx(1, abs=1e-4)
    with torch.no_grad():
        # The nonlinear decoder starts small, not at nothing.
        for parameter in model.out.parameters():
            parameter.zero_()
        again = model(pictures)
    assert again == pytest.approx(pictures, abs=2e-3)


def test_frechet_distance_matches_its_closed_form_in_one_dimension() -> None:
    """Between N(0, 1) and N(m, s) it is m^2 + (1 - s)^2."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, (20_000, 2)), rng.normal(0, 1, (20_000, 2)) * [3, 1] + [2, 0]
    assert frechet(a, b) == pytest.approx(4 + 4, rel=0.05)
    assert frechet(a, a) == pytest.approx(0, abs=1e-6)


def test_sample_looks_visit_every_scene_and_light() -> None:
    looks = sample_looks(4 * len(values("scene")))
    assert {look.scene for look in looks} == set(values("scene"))
    assert {look.light for look in looks} == set(values("light"))


def test_two_workers_average_and_must_agree(tmp_path: Path) -> None:
    launch(average_ranks, 2, tmp_path, tmp_path)
    assert [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)] == [
        [[0.5] * 3, False]
    ] * 2


def test_one_worker_runs_here_and_averages_nothing(tmp_path: Path) -> None:
    launch(average_ranks, 1, tmp_path, tmp_path)
    assert json.loads((tmp_path / "0.json").read_text()) == [[0.0] * 3, True]
