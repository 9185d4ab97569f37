"""What creatives look like, from their stored pixels to the night's model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from dco import schemas
from dco.elements.features import PICTURE, TEXT, picture_features, text_features
from dco.errors import BadCampaign
from dco.jobs import draft, rasters
from dco.jobs.desk import Desk, open_desk
from dco.jobs.explain import explain
from dco.jobs.looks import KIND, looks, with_looks
from dco.jobs.nightly import nightly
from dco.jobs.simulated import World, morning
from dco.settings import load_campaign
from dco.store.arms import ArmRow, arms

from ..journeys.campaigns import small

ZONE = "Europe/Berlin"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = small(tmp_path_factory.mktemp("looks") / "campaign")
    text = file.read_text()
    file.write_text(text.replace("starting_per_segment: 3", "starting_per_segment: 3\n  looks: learn"))
    with open_desk(file) as desk:
        draft.start(desk, now=morning(-1, ZONE))
        world = World.of(desk.campaign, 3)
        for t in range(3):
            world.report(desk, t)
            nightly(file, now=morning(t, ZONE))
            world.live_through(desk, t)
    return file


def rows_of(desk: Desk) -> list[ArmRow]:
    with desk.workspace.read() as conn:
        return arms(conn, desk.campaign.key)


def test_a_look_is_the_features_of_the_ad_and_its_headline(file: Path) -> None:
    with open_desk(file) as desk:
        rows, files = rows_of(desk), desk.workspace.files
        found = looks(files, rows)
        assert set(found) == {(r.segment, r.arm_id) for r in rows}
        one = rows[0]
        pixels = picture_features(rasters.load(files, one.creative.rasters["300x250"]))
        assert found[one.segment, one.arm_id] == [*pixels, *text_features(one.creative.copy.headline)]
        assert len({tuple(v) for v in found.values()}) > len(rows) / 2


def test_a_look_is_read_once_and_a_spoilt_note_is_read_anew(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_desk(file) as desk:
        rows, files = rows_of(desk), desk.workspace.files
        first = looks(files, rows)
        notes = files.path(KIND, rows[0].creative.rasters["300x250"], ".json")
        for spoilt in (
            "",
            "{}",
            '{"lightness": "x"}',
            "[1]",
            notes.read_text().replace("lightness", "light"),
        ):
            notes.write_text(spoilt)
            assert looks(files, rows) == first
        monkeypatch.setattr(rasters, "load", lambda *_: pytest.fail("pixels were read again"))
        assert looks(files, rows) == first


def test_a_creative_without_pixels_is_left_out_and_stops_nothing(file: Path) -> None:
    with open_desk(file) as desk:
        rows, files = rows_of(desk), desk.workspace.files
        name = rows[0].creative.rasters["300x250"]
        notes, png = files.path(KIND, name, ".json"), files.path("rasters", name, ".png")
        kept = notes.read_bytes(), png.read_bytes()
        notes.unlink(missing_ok=True)
        png.unlink()
        found = looks(files, rows)
        notes.write_bytes(kept[0])
        png.write_bytes(kept[1])
    assert (rows[0].segment, rows[0].arm_id) not in found and len(found) == len(
        [r for r in rows if r.creative.rasters["300x250"] != name]
    )


def test_tables_get_the_column_by_segment_and_arm_and_null_where_nothing_is_known() -> None:
    table = pa.table({"segment": ["a", "b"], "arm_id": ["x", "x"]})
    told = with_looks(table, {("b", "x"): [1.0, 2.0]})
    assert told[schemas.FEATURES.name].to_pylist() == [None, [1.0, 2.0]]
    assert with_looks(table, {}) is table


def test_nights_learn_from_looks_and_say_so(file: Path) -> None:
    with open_desk(file) as desk:
        told = explain(desk)
    assert any("Looks are taken to explain" in text for text in told.why)
    assert np.isfinite([row["mean"] for row in told.shares]).all()


def test_looks_are_ignored_unless_the_campaign_asks(tmp_path: Path) -> None:
    plain = small(tmp_path / "campaign")
    assert not load_campaign(plain).looks
    text = plain.read_text().replace("starting_per_segment: 3", "starting_per_segment: 3\n  looks: lern")
    plain.write_text(text)
    with pytest.raises(BadCampaign, match="did you mean 'learn'"):
        load_campaign(plain)


def test_there_are_as_many_numbers_as_features(file: Path) -> None:
    with open_desk(file) as desk:
        assert {len(v) for v in looks(desk.workspace.files, rows_of(desk)).values()} == {
            len(PICTURE) + len(TEXT)
        }
