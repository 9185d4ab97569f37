"""Pictures, adapters and what to avoid are read from the model's part of a campaign file, or refused by their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from dco.errors import BadCampaign
from dco.records import Adapter
from dco.settings import parse_campaign, wrong
from tests.settings.test_campaign_file import TEMPLATE

HEAD = TEMPLATE.split("\nmodel:\n")[0]


def text(*lines: str) -> str:
    return "\n".join([HEAD, "model:", *("  " + line for line in lines), ""])


def test_what_is_stated_is_what_the_model_record_holds() -> None:
    model = parse_campaign(
        text(
            "backend: diffusers",
            "folder: models/sdxl",
            "negative: >-",
            "  plastic look,",
            "  clutter.",
            "picture: {init: brand/room.jpg, mask: brand/room-mask.png, style: brand/mood.webp, control: l.png}",
            "adapters:",
            "  house: 0.5",
            "  brand_look: {file: brand/look.safetensors, weight: -1}",
            "  plain: {file: brand/plain}",
            "part_licenses: {brand_look: LicenseRef-Own}",
        )
    ).model
    assert model.negative == "plastic look, clutter"
    assert dict(model.pictures) == {
        "init": "brand/room.jpg", "mask": "brand/room-mask.png", "style": "brand/mood.webp", "control": "l.png",
    }  # fmt: skip
    assert model.adapters == (
        Adapter("house", 0.5),
        Adapter("brand_look", -1.0, "brand/look.safetensors"),
        Adapter("plain", 1.0, "brand/plain"),
    )
    assert model.part_licenses == (("brand_look", "LicenseRef-Own"),)


def test_without_such_lines_nothing_is_asked_for() -> None:
    model = parse_campaign(text("backend: embedded", "picture:", "adapters:")).model
    assert (model.negative, model.pictures, model.adapters, model.part_licenses) == ("", (), (), ())


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ("picture: {init: /etc/passwd}", "model.picture.init", "inside the campaign's folder, got '/etc/passwd'"),
        ("picture: {init: brand/../../x.png}", "model.picture.init", "inside the campaign's folder"),
        ("picture: {style: 'https://a.example/x.png'}", "model.picture.style", "inside the campaign's folder"),
        ("picture: {style: 'C:x.png'}", "model.picture.style", "inside the campaign's folder"),
        ('picture: {control: "a\\0b.png"}', "model.picture.control", "inside the campaign's folder"),
        ("picture: {init: 3}", "model.picture.init", "put it in quotes"),
        ("picture: {start: a.png}", "model.picture.start", "known here: init, mask, style, control"),
        ("picture: brand/room.jpg", "model.picture", "a mapping such as {init: brand/room.jpg}"),
        ("picture: {mask: a.png}", "model.picture.mask", "state picture.init too"),
        ("adapters: {look: heavy}", "model.adapters.look", "a number from -4 to 4, got 'heavy'"),
        ("adapters: {look: 4.5}", "model.adapters.look", "a number from -4 to 4, got 4.5"),
        ("adapters: {look: .nan}", "model.adapters.look", "a number from -4 to 4"),
        ("adapters: {look: {weight: 1}}", "model.adapters.look.file", "is missing"),
        ("adapters: {look: {file: ../l.safetensors}}", "model.adapters.look.file", "inside the campaign's"),
        ("adapters: {look: {path: a}}", "model.adapters.look.path", "known here: file, weight"),
        ("adapters: {1: 0.5}", "model.adapters.1", "an adapter's name"),
        ("adapters: {'a,b=c': 0.5}", "model.adapters.a,b=c", "an adapter's name"),
        ("adapters: [look]", "model.adapters", "a mapping of adapter -> weight"),
        ("part_licenses: {look: 3}", "model.part_licenses.look", "an SPDX id"),
        ("negative: [people]", "model.negative", "expected what pictures shall avoid"),
        ("negatve: people", "model.negatve", "did you mean 'negative'"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_refused_with_its_line_and_key(line: str, key: str, says: str) -> None:
    with pytest.raises(BadCampaign) as caught:
        parse_campaign(text("backend: diffusers", line))
    assert caught.value.key == key and says in caught.value.problem
    assert caught.value.line == HEAD.count("\n") + 1 + 3


def test_what_turns_out_wrong_later_names_the_line_while_the_file_is_the_same(
    tmp_path: Path,
) -> None:
    file = tmp_path / "c.yaml"
    content = text("backend: diffusers", "picture:", "  init: a.png")
    file.write_text(content, encoding="utf-8")
    campaign = parse_campaign(content, source=str(file))
    lines = content.splitlines()
    assert wrong(campaign, "model.picture.init", "x").line == lines.index("    init: a.png") + 1
    assert wrong(campaign, "model.picture.mask", "x").line == lines.index("  picture:") + 1
    assert wrong(campaign, "model.backend.deeper", "x").line == lines.index("  backend: diffusers") + 1
    file.write_text("\n\n" + content, encoding="utf-8")
    assert wrong(campaign, "model.picture.init", "x").line is None
    file.unlink()
    assert str(wrong(campaign, "model.picture.init", "x")) == f"{file}, model.picture.init: x"
