"""A brand's look is learnt from its own pictures, by real adapters on real tiny models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dco.errors import BadInput, BadModel, DcoError
from dco.generate.models.folder import embedded_folder
from dco.generate.paint.render import render
from dco.generate.tuning.pictures import read_examples
from dco.generate.vocabulary import Look

torch = pytest.importorskip("torch", reason="needs the diffusion extra")
pytest.importorskip("peft", reason="needs the diffusion extra")

from tiny_pipelines import tiny_flux, tiny_sdxl, tiny_stable_diffusion  # noqa: E402

from dco.generate.diffusion import pipeline  # noqa: E402
from dco.generate.models.folder import check  # noqa: E402
from dco.generate.tuning.tune import RECORD, tune  # noqa: E402

RIGHTS = "own renders, made by this test"


def brand_pictures(folder: Path, count: int = 6, side: int = 160) -> Path:
    """A brand that shows everything in one unusual colour."""
    folder.mkdir()
    for k in range(count):
        picture = render(Look("soft gradient", "white"), side, side, k) * np.array([1.0, 0.25, 0.75])
        Image.fromarray((picture * 255).astype(np.uint8)).save(folder / f"{k}.png")
    return folder


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of the embedded model, trained on pictures of a magenta brand."""
    place = tmp_path_factory.mktemp("tuning")
    pictures = brand_pictures(place / "pictures")
    tune(
        embedded_folder(None), pictures, place / "adapter",
        steps=40, batch=4, rate=2e-3, words="soft gradient, pink palette", rights=RIGHTS,
    )  # fmt: skip
    return place / "adapter"


def test_the_error_on_pictures_kept_out_of_training_falls(adapter: Path) -> None:
    notes = json.loads((adapter / RECORD).read_text())
    assert notes["loss_after"] < 0.93 * notes["loss_before"]
    assert notes["curve"][0] == [0, notes["loss_before"]]


def test_what_the_model_draws_moves_towards_the_brand(adapter: Path) -> None:
    pipe = pipeline.load(check(embedded_folder(None)), device="cpu", dtype=torch.float32)

    def distance() -> float:
        """From green to the brand's magenta: how much less green there is than red and blue."""
        drawn = pipe(
            ["soft gradient, pink palette"] * 4, num_inference_steps=4, guidance_scale=1.0, width=128, height=128,
            generator=pipeline.seeds(range(4)), output_type="np",
        ).images.mean((0, 1, 2))  # fmt: skip
        return float(drawn[1] - (drawn[0] + drawn[2]) / 2)

    before = distance()
    pipe.load_lora_weights(adapter, adapter_name="brand", use_safetensors=True, local_files_only=True)
    assert distance() < before - 0.03
    pipe.set_adapters("brand", 0.0)
    assert distance() == pytest.approx(before, abs=1e-4)


def test_the_record_names_base_pictures_and_rights_and_no_place(adapter: Path) -> None:
    text = (adapter / RECORD).read_text()
    notes = json.loads(text)
    assert notes["base"] == check(embedded_folder(None)).model_id
    assert notes["rights"] == RIGHTS
    assert len(notes["trained_on"]) == notes["pictures"] == 6
    assert all(len(row["sha256"]) == 64 for row in notes["trained_on"])
    assert str(adapter.parent) not in text
    assert {p.suffix for p in adapter.iterdir()} == {".json", ".safetensors"}


@pytest.mark.parametrize("base", [tiny_stable_diffusion, tiny_sdxl])
def test_stable_diffusion_and_sdxl_are_tuned_alike(base: Any, tmp_path: Path) -> None:
    pictures = brand_pictures(tmp_path / "pictures", 4, 80)
    tuned = tune(
        base(), pictures, tmp_path / "adapter", steps=30, rank=4, rate=5e-3, words="brand", rights=RIGHTS
    )
    assert tuned.side == 64
    assert tuned.loss_after < tuned.loss_before
    again = tune(
        base(), pictures, tmp_path / "adapter", steps=30, rank=4, rate=5e-3, words="brand", rights=RIGHTS
    )
    assert again.curve == tuned.curve


def test_captions_come_from_the_table_then_the_text_beside_then_the_words(tmp_path: Path) -> None:
    folder = brand_pictures(tmp_path / "pictures", 3, 64)
    (folder / "captions.csv").write_text("file,caption\n0.png,beach at night\n")
    (folder / "1.txt").write_text("a beach\nin blue tones\n")
    found = [example.caption for example in read_examples(folder, 64, "brand look")]
    assert found == ["beach at night", "a beach in blue tones", "brand look"]


def _broken(folder: Path) -> None:
    (folder / "3.jpg").write_bytes(b"\xff\xd8 not a picture")


def _small(folder: Path) -> None:
    Image.new("RGB", (40, 200)).save(folder / "3.png")


def _unknown(folder: Path) -> None:
    (folder / "captions.csv").write_text("file,caption\nother.png,a beach\n")


def _few(folder: Path) -> None:
    (folder / "0.png").unlink()


@pytest.mark.parametrize(
    ("harm", "words", "said"),
    [
        (_broken, "x", r"3\.jpg: cannot be read as a picture"),
        (_small, "x", r"3\.png: 40x200 pixels; this model learns from 64 px"),
        (_unknown, "x", r"captions\.csv, line 2: names 'other\.png'"),
        (_few, "x", "2 pictures; expected 3 to"),
        (lambda folder: None, "", r"0\.png: no caption"),
    ],
)
def test_a_folder_that_cannot_teach_is_refused_by_file(
    harm: Any, words: str, said: str, tmp_path: Path
) -> None:
    folder = brand_pictures(tmp_path / "pictures", 3, 64)
    harm(folder)
    with pytest.raises(BadInput, match=said):
        read_examples(folder, 64, words)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"rights": " "}, BadInput, "say who allows"),
        ({"steps": 0}, BadInput, "tune, steps: expected 1 to"),
        ({"side": 70}, BadInput, "multiple of 32"),
        ({"words": "word " * 200}, BadInput, r"0\.png, caption: prompt of \d+ tokens"),
    ],
)
def test_a_tuning_that_cannot_be_is_refused(
    change: dict[str, Any], error: type[DcoError], said: str, tmp_path: Path
) -> None:
    folder = brand_pictures(tmp_path / "pictures", 3, 80)
    with pytest.raises(error, match=said):
        tune(
            tiny_stable_diffusion(), folder, tmp_path / "out",
            **{"steps": 1, "words": "brand", "rights": RIGHTS} | change,
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_a_model_with_a_transformer_says_what_can_be_tuned(tmp_path: Path) -> None:
    folder = brand_pictures(tmp_path / "pictures", 3, 80)
    with pytest.raises(BadModel, match="has a transformer; adapters are trained here for models with a UNet"):
        tune(tiny_flux(), folder, tmp_path / "out", side=64, words="brand", rights=RIGHTS)


def test_other_files_are_never_replaced(tmp_path: Path) -> None:
    folder = brand_pictures(tmp_path / "pictures", 3, 80)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match="is not an adapter"):
        tune(tiny_stable_diffusion(), folder, tmp_path / "out", words="brand", rights=RIGHTS)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"
