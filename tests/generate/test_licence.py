"""The licence record of a model: what is on record, what it allows, and how it gets there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_pipelines import tiny_stable_diffusion

from dco.errors import BadInput, BadModel
from dco.generate.backend import load_backend
from dco.generate.models.licence import Record, commercial_use, problem, record_of, write_record


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder without a licence record."""
    copy = tmp_path / "model"
    shutil.copytree(tiny_stable_diffusion(), copy, ignore=shutil.ignore_patterns("LICENSE.json"))
    return copy


def add(folder: Path, licence: str = "Apache-2.0", **more: str) -> Record:
    told = {"source": "https://example.org/license", "by": "Jane Doe", "day": "2026-03-01"} | more
    return write_record(folder, licence=licence, **told)


def record(folder: Path, stated: str = "") -> Record:
    return record_of(load_backend("diffusers", folder=folder), stated)


def test_a_folder_without_a_record_draws_drafts_and_says_the_way_out(folder: Path) -> None:
    assert record(folder) == Record()
    assert "dco model add FOLDER --license ID --source URL" in problem(record(folder), model="abc")


def test_what_is_added_is_on_record_and_the_model_stays_the_same_model(folder: Path) -> None:
    before = load_backend("diffusers", folder=folder).model_id
    added = add(folder)
    assert added == record(folder)
    assert (added.licence, added.by, added.stated, added.commercial) == (
        "Apache-2.0",
        "Jane Doe",
        "2026-03-01",
        "yes",
    )
    assert len(added.sha256) == 64 and problem(added, model="abc") == ""
    assert load_backend("diffusers", folder=folder).model_id == before


def test_a_record_is_void_once_the_weights_are_others(folder: Path) -> None:
    add(folder)
    config = folder / "unet" / "config.json"
    config.write_text(config.read_text() + " ", encoding="utf-8")
    with pytest.raises(BadModel, match=r"is about weights .* `dco model add` again"):
        record(folder)


def test_the_campaign_file_may_state_what_a_folder_does_not_but_not_contradict_it(folder: Path) -> None:
    assert record(folder, "MIT").licence == "MIT" and record(folder, "MIT").source == "campaign file"
    add(folder)
    assert record(folder, "apache-2.0").licence == "Apache-2.0"
    with pytest.raises(BadModel, match=r"model.license says 'MIT'; make them one"):
        record(folder, "MIT")


@pytest.mark.parametrize(
    ("licence", "use"),
    [
        ("apache-2.0", "yes"), ("OpenRAIL++", "yes"), ("CC-BY-4.0", "yes"), ("cc-by-nc-4.0", "no"),
        ("LicenseRef-FLUX-1-dev-Non-Commercial", "no"), ("LicenseRef-SAI-NC-Community", "no"),
        ("LicenseRef-Research-Only", "no"), ("LicenseRef-Stability-Community", "unknown"), ("LicenseRef-Ncube", "unknown"),
    ],
)  # fmt: skip
def test_what_a_licence_allows_is_told_by_its_name(licence: str, use: str) -> None:
    assert commercial_use(licence) == use
    assert commercial_use(licence, "no") == "no"
    assert commercial_use(licence, "yes") == ("no" if use == "no" else "yes")


def test_a_non_commercial_licence_is_refused_unless_it_is_named(folder: Path) -> None:
    bound = add(folder, "CC-BY-NC-4.0")
    assert "forbids commercial use" in problem(bound, model="abc")
    assert "license_override: {license: CC-BY-NC-4.0" in problem(bound, model="abc")
    assert problem(bound, model="abc", allowed="some-other-licence")
    assert problem(bound, model="abc", allowed="cc-by-nc-4.0") == ""


def test_a_backend_without_a_folder_speaks_for_itself() -> None:
    assert record_of(load_backend("procedural")).commercial == "yes"
    assert record_of(SimpleNamespace(license={"license": "not stated"})) == Record()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"licence": "Apache 2"}, "--license: expected an SPDX id"),
        ({"source": "http://x"}, "--source: expected the https"),
        ({"by": " "}, "--by: is blank"),
        ({"commercial": "maybe"}, "--commercial: expected yes"),
        ({"licence": "CC-BY-NC-4.0", "commercial": "yes"}, "non-commercial licence by its name"),
    ],
)
def test_a_wrong_statement_is_refused_and_nothing_is_written(
    folder: Path, wrong: dict[str, str], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        add(folder, **wrong)
    assert not (folder / "LICENSE.json").exists()


def test_what_a_record_said_besides_is_kept(folder: Path) -> None:
    (folder / "LICENSE.json").write_text(
        json.dumps({"license": "x", "training_data": "none"}), encoding="utf-8"
    )
    add(folder)
    assert json.loads((folder / "LICENSE.json").read_text())["training_data"] == "none"
