"""A folder of pictures from elsewhere: what becomes a creative, what does not, and that nothing in it can do harm."""

from __future__ import annotations

import io
import json
import os
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, PngImagePlugin
from sqlalchemy import text

from dco.cli.main import main
from dco.compose.sizes import masters
from dco.errors import BadInput, Refused, UnknownName, Unlicensed
from dco.generate.cache import PictureCache
from dco.generate.paint.render import render
from dco.generate.vocabulary import Look
from dco.jobs.approve import approve, waiting
from dco.jobs.desk import Desk, open_desk
from dco.jobs.draft import cache_of
from dco.jobs.import_files import commercial
from dco.jobs.import_look import calmest
from dco.jobs.import_pictures import Imported, import_pictures
from dco.jobs.publish import publish_arms
from dco.store import licences
from dco.store.arms import ArmRow, arms, life
from tests.journeys.campaigns import small

NOW = datetime(2026, 8, 20, 12, tzinfo=UTC)
JOB = "a7421d2f-b262-44f9-977c-ac23e9c7d3e3"
PROMPT = f"foliage, teal palette, soft light, a flamingo --ar 4:3 Job ID: {JOB}"
SIDECAR = "scene: foliage\n  palette: teal\n  light: soft light\n  composition: copy space left\n"


@cache
def painted(seed: int) -> Image.Image:
    pixels = render(Look("soft gradient", "teal"), 320, 240, seed)
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))


def shot(width: int = 640, height: int = 520, seed: int = 1) -> Image.Image:
    return painted(seed).resize((width, height), Image.Resampling.BICUBIC)


def texts(**said: str) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for name, value in said.items():
        info.add_text(name, value)
    return info


def data_of(image: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **how)
    return data.getvalue()


@pytest.fixture(scope="module")
def picture() -> bytes:
    """A picture as Midjourney hands it out."""
    return data_of(shot(), pnginfo=texts(Description=PROMPT))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(small(tmp_path / "c")) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path, picture: bytes) -> Path:
    made = tmp_path / "pictures"
    made.mkdir()
    (made / "pier.png").write_bytes(picture)
    return made


def take(desk: Desk, folder: Path, **options: Any) -> Imported:
    given: dict[str, Any] = {"license": "CC-BY-4.0", "by": "Jane Doe", "now": NOW, "segments": ["commuters"]}
    return import_pictures(desk, folder, **given | options)


def rows(desk: Desk) -> list[ArmRow]:
    with desk.workspace.read() as conn:
        return arms(conn, desk.campaign.key)


def everything(desk: Desk) -> tuple[Any, ...]:
    """All rows of all tables and all files of a store."""
    with desk.workspace.read() as conn:
        names = [
            r[0]
            for r in conn.execute(text("select name from sqlite_master where type = 'table' order by name"))
        ]
        tables = {n: conn.execute(text(f'select * from "{n}"')).fetchall() for n in names}
    store = Path(desk.workspace.folder)
    files = {
        str(p.relative_to(store)): p.read_bytes()
        for p in store.rglob("*")
        if p.suffix in (".png", ".jpg", ".json")
    }
    return tables, files


def record_of(desk: Desk, row: ArmRow) -> dict[str, Any]:
    sha = row.reason.rsplit("record ", 1)[1]
    return json.loads(desk.workspace.files.path("imports", sha, ".json").read_bytes())


def test_a_picture_becomes_a_creative_that_waits_with_its_whole_story(
    desk: Desk, folder: Path, picture: bytes
) -> None:
    done = take(desk, folder, segments=[])
    assert done.refused == () and done.new == 3
    assert {t.segment for t in done.taken} == {s.key for s in desk.campaign.segments}
    for row in rows(desk):
        assert (row.state, row.by, row.control, row.born) == ("drafted", "Jane Doe", False, None)
        creative = row.creative
        assert creative.model == "import:midjourney/CC-BY-4.0"
        assert creative.prompt == "foliage, teal palette, soft light, a flamingo --ar 4:3"
        assert desk.campaign.space.allows(creative.genome.as_dict())
        seen = {a: creative.genome[a] for a in ("scene", "palette", "light")}
        assert seen == {"scene": "foliage", "palette": "teal", "light": "soft light"}
        record = record_of(desk, row)
        assert (record["job_id"], record["licence"]["id"]) == (JOB, "CC-BY-4.0")
        assert record["not_understood"] == ["flamingo"]
        kept = desk.workspace.files.path("originals", record["sha256"], ".png")
        assert kept.read_bytes() == picture
    assert "not understood: flamingo" in " ".join(done.taken[0].notes)
    with desk.workspace.read() as conn:
        (licence,) = licences.of_campaign(conn, desk.campaign.key).values()
    assert (licence.licence, licence.by, licence.stated, licence.commercial) == (
        "CC-BY-4.0", "Jane Doe", "2026-08-20", "yes",
    )  # fmt: skip


def test_the_same_folder_again_changes_nothing(desk: Desk, folder: Path) -> None:
    take(desk, folder, segments=[])
    before = everything(desk)
    again = take(desk, folder, segments=[], now=NOW.replace(hour=15), license="MIT", by="Someone else")
    assert again.new == 0 and again.refused == () and len(again.taken) == 3
    assert everything(desk) == before


def test_a_decided_picture_stays_decided(desk: Desk, folder: Path) -> None:
    take(desk, folder)
    (row,) = rows(desk)
    approve(desk, [row.arm_id], by="Jane Doe", now=NOW)
    assert take(desk, folder).taken[0].notes == ("is approved",)
    assert [r.state for r in rows(desk)] == ["approved"]
    with desk.workspace.read() as conn:
        assert [e.event for e in life(conn, desk.campaign.key)] == ["drafted", "approved"]


def test_a_standing_rule_for_what_the_engine_draws_approves_no_import(desk: Desk, folder: Path) -> None:
    assert desk.campaign.approval, "the campaign has a rule that covers everything"
    take(desk, folder)
    assert len(waiting(desk)) == 1


def test_the_backdrop_is_the_middle_of_the_picture_in_every_needed_shape(
    tmp_path: Path, folder: Path
) -> None:
    file = small(tmp_path / "wide")
    file.write_text(file.read_text().replace("sizes: [300x250]", "sizes: [300x250, 320x50]"))
    shot(1300, 900).save(folder / "pier.png", pnginfo=texts(Description=PROMPT))
    with open_desk(file) as desk:
        take(desk, folder)
        (row,) = rows(desk)
        assert set(row.creative.rasters) == {"300x250", "336x280", "320x50"}
        cache: PictureCache = cache_of(desk)
        kept = [cache.get(key) for key in row.creative.requests]
    wanted = set(masters(["300x250", "336x280", "320x50"]).values())
    assert {(p.request.width, p.request.height) for p in kept if p} == wanted == {(600, 504), (1200, 632)}
    with Image.open(folder / "pier.png") as image:
        for made in kept:
            assert made is not None
            size = (made.request.width, made.request.height)
            expected = np.asarray(ImageOps.fit(image, size, Image.Resampling.LANCZOS), float)
            assert np.abs(made.pixels - expected).mean() < 1.0


def test_a_picture_too_small_for_a_size_is_refused_with_the_size_it_needs(desk: Desk, folder: Path) -> None:
    shot(399, 400).save(folder / "small.png", pnginfo=texts(Description=PROMPT))
    shot(400, 336).save(folder / "just.png", pnginfo=texts(Description=PROMPT))
    done = take(desk, folder)
    assert [t.file for t in done.taken] == ["just.png", "pier.png"], "600x504 is 1.5 times 400x336"
    (line,) = done.refused
    assert line.startswith("small.png: 399x400 pixels; the 600x504 backdrop") and "at 400x336 or more" in line


def test_without_a_licence_nothing_is_taken_and_the_way_out_is_named(desk: Desk, folder: Path) -> None:
    with pytest.raises(Refused, match=r"LICENSE file .* --license"):
        take(desk, folder, license="")
    assert rows(desk) == []


@pytest.mark.parametrize(
    ("name", "content", "licence"),
    [
        ("LICENSE", "SPDX-License-Identifier: CC0-1.0\nall of them\n", "CC0-1.0"),
        (
            "LICENSE.txt",
            "\n# Midjourney Terms, paid plan\n\nlong text",
            "LicenseRef-Midjourney-Terms-paid-plan",
        ),
        ("LICENSE.json", '{"license": "LicenseRef-Stock-4711", "bought": "2026"}', "LicenseRef-Stock-4711"),
    ],
)
def test_a_licence_file_in_the_folder_is_taken_and_kept(
    desk: Desk, folder: Path, name: str, content: str, licence: str
) -> None:
    (folder / name).write_text(content)
    done = take(desk, folder, license="")
    assert done.licence == licence and done.refused == ()
    said = record_of(desk, rows(desk)[0])["licence"]
    assert said["stated_by"] == name
    assert desk.workspace.files.path("licences", said["sha256"], ".txt").read_text() == content


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("LICENSE", ""),
        ("LICENSE.json", "{"),
        ("LICENSE.json", "[]"),
        ("LICENSE", "SPDX-License-Identifier: <b>\n"),
    ],
)
def test_a_licence_file_that_says_nothing_is_no_licence(
    desk: Desk, folder: Path, name: str, content: str
) -> None:
    (folder / name).write_text(content)
    with pytest.raises(BadInput, match=name):
        take(desk, folder, license="")


def test_what_cannot_be_meant_is_refused_before_anything_is_read(desk: Desk, folder: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'commuters'"):
        take(desk, folder, segments=["comuters"])
    with pytest.raises(BadInput, match="SPDX id"):
        take(desk, folder, license="free; rm -rf")
    with pytest.raises(Refused, match="--by"):
        take(desk, folder, by=" ")
    with pytest.raises(BadInput, match="is no folder"):
        take(desk, folder / "pier.png")
    (folder / "pier.png").rename(folder / "pier.txt")
    with pytest.raises(BadInput, match="holds no PNG"):
        take(desk, folder)


def test_a_prompt_that_leaves_something_open_is_refused_with_the_sidecar_to_write(
    desk: Desk, folder: Path
) -> None:
    shot(seed=2).save(folder / "open.png", pnginfo=texts(Description="foliage with a flamingo"))
    shot(seed=3).save(folder / "other.png", pnginfo=texts(Description="beach, teal, night"))
    done = take(desk, folder)
    assert [t.file for t in done.taken] == ["pier.png"]
    assert done.refused[0] == "open.png: nothing tells its palette; nothing tells its light"
    assert "its prompt says scene 'beach', which is none of the campaign's" in done.refused[1]
    assert f"{folder / 'attributes.csv'}: 'file,scene,palette,light'" in done.ways[0]
    head, line = done.ways[0].split("'")[1::2]
    (folder / "attributes.csv").write_text(f"{head}\n{line}\nother.png,{line.partition(',')[2]}\n")
    again = take(desk, folder)
    assert again.refused == () and again.new == 2, "what is printed can be typed"


SIDECARS = {
    "attributes.csv": "\ufefffile;scene;palette;light;composition;headline;prompt\n"
    "bare.png;foliage;teal;soft light;copy space left;gift;a fern; really\n",
    "attributes.yaml": f"bare.png:\n  {SIDECAR}  headline: gift\n  prompt: a fern\n",
}


@pytest.mark.parametrize("name", SIDECARS)
def test_a_sidecar_states_what_a_bare_picture_shows(desk: Desk, folder: Path, name: str) -> None:
    shot(seed=2).save(folder / "bare.png")
    (folder / name).write_text(SIDECARS[name].replace("a fern; really", "a fern"), encoding="utf-8")
    take(desk, folder)
    row = next(r for r in rows(desk) if "bare.png" in r.reason)
    assert (
        row.creative.genome["headline"] == "gift" and row.creative.genome["composition"] == "copy space left"
    )
    assert row.creative.copy.headline == desk.campaign.headlines["gift"]
    assert row.creative.prompt == "a fern" and row.creative.model.startswith("import:other/")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "attributes.csv",
            "file,scen\npier.png,foliage\n",
            "line 1: column 'scen' is no attribute.* mean 'scene'",
        ),
        ("attributes.csv", "file,scene\npier.png,folage\n", "line 2, scene: .* mean 'foliage'"),
        (
            "attributes.csv",
            "file,scene\npeer.png,foliage\n",
            "line 2: no picture 'peer.png'.* mean 'pier.png'",
        ),
        ("attributes.csv", "file,scene\npier.png,foliage,x\n", "line 2: 3 cells under 2"),
        (
            "attributes.csv",
            "file,scene\npier.png,foliage\npier.png,foliage\n",
            "line 3: 'pier.png' is there twice",
        ),
        ("attributes.csv", "scene\nfoliage\n", "a column 'file'"),
        ("attributes.csv", 'file,scene\n"pier.png,foliage\n', "no valid CSV"),
        ("attributes.csv", "\0\0", "attributes.csv"),
        ("attributes.yaml", "pier.png: foliage\n", "line 1.*a mapping"),
        ("attributes.yaml", "pier.png:\n  scen: foliage\n", "line 2.*mean 'scene'"),
        ("attributes.yaml", "pier.png: {scene: folage}\n", "mean 'foliage'"),
        ("attributes.yaml", "pier.png: [\n", "not valid YAML"),
    ],
)
def test_a_wrong_sidecar_is_refused_with_its_line_and_nothing_is_taken(
    desk: Desk, folder: Path, name: str, content: str, says: str
) -> None:
    (folder / name).write_text(content)
    with pytest.raises(BadInput, match=says) as error:
        take(desk, folder)
    assert "\n" not in str(error.value) and rows(desk) == []


def test_two_sidecars_are_one_too_many(desk: Desk, folder: Path) -> None:
    for name in ("attributes.csv", "attributes.yaml"):
        (folder / name).write_text("")
    with pytest.raises(BadInput, match="keep one of them"):
        take(desk, folder)


def test_a_prompt_that_breaks_the_policy_brings_no_picture_in(desk: Desk, folder: Path) -> None:
    shot(seed=2).save(
        folder / "swoosh.png", pnginfo=texts(Description="foliage, teal, soft light, Nіke shoes")
    )
    (line,) = take(desk, folder).refused
    assert "swoosh.png: rule 'trademark' refuses 'nike'" in line


def test_a_combination_the_campaign_forbids_is_refused(desk: Desk, folder: Path) -> None:
    shot(seed=2).save(folder / "dark.png", pnginfo=texts(Description="foliage, green, dramatic light"))
    (line,) = take(desk, folder).refused
    assert "dark.png, commuters: the campaign forbids" in line and "green" in line


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def hostile(folder: Path, picture: bytes) -> dict[str, str]:
    """Bad files of every kind -> what is said of each."""
    data = {
        "bomb.png": data_of(Image.new("1", (14_000, 14_000))), "wide.png": data_of(Image.new("1", (60_001, 1_001))),
        "cut.png": picture[: len(picture) // 2], "head.png": picture[:40], "empty.png": b"", "html.png": b"<html>",
        "jpeg.png": data_of(shot(), "JPEG"), "png.jpg": picture, "moving.webp": moving("WEBP"), "moving.png": moving("PNG"),
        "text.png": picture[:33] + chunk(b"zTXt", b"Description\0\0" + zlib.compress(b"a" * 50_000_000)) + picture[33:],
        "crc.png": picture[:20_000] + b"\xff\xff\xff\xff" + picture[20_004:],
        "glass.png": data_of(Image.new("RGBA", (640, 520), (9, 9, 9, 90)), pnginfo=texts(Description=PROMPT)),
        "black.png": data_of(Image.new("RGB", (640, 520)), pnginfo=texts(Description=PROMPT)),
        "deep.png": data_of(Image.fromarray(np.zeros((520, 640), np.uint16))), "twin.png": picture, "x.gif": b"GIF89a",
    }  # fmt: skip
    for name, content in data.items():
        (folder / name).write_bytes(content)
    (folder / "inside").mkdir()
    secret = folder.parent / "secret.png"
    secret.write_bytes(picture)
    (folder / "link.png").symlink_to(secret)
    (folder / "near.png").symlink_to(folder / "pier.png")
    (folder / "dead.png").symlink_to("nowhere")
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    return {
        "bomb.png": "too many pixels", "wide.png": "60001 x 1001 pixels", "cut.png": "damaged", "head.png": "no PNG",
        "empty.png": "no PNG", "html.png": "no PNG", "jpeg.png": "is JPEG, not PNG", "png.jpg": "is PNG, not JPEG",
        "moving.webp": "several pictures", "moving.png": "several pictures", "text.png": "damaged", "crc.png": "damaged",
        "glass.png": "transparent", "black.png": "it is black", "deep.png": "'I;16'", "twin.png": "the same file as pier.png",
        "x.gif": "no PNG, JPEG or WebP by its name", "inside": "a folder", "link.png": "is a link", "near.png": "is a link",
        "dead.png": "is a link", "folder.png": "no regular file", "pipe.png": "no regular file",
    }  # fmt: skip


def moving(kind: str) -> bytes:
    return data_of(shot(), kind, save_all=True, append_images=[shot(seed=2)])


def test_hostile_files_get_one_line_each_and_the_good_ones_go_on(
    desk: Desk, folder: Path, picture: bytes
) -> None:
    expected = hostile(folder, picture)
    done = take(desk, folder)
    assert [t.file for t in done.taken] == ["pier.png"]
    said = {line.split(":")[0]: line for line in done.refused}
    assert set(said) == set(expected)
    for name, words in expected.items():
        assert words in said[name] and "\n" not in said[name] and len(said[name]) < 300, said[name]


def test_a_large_file_and_a_large_folder_are_not_read(
    desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dco.jobs import import_files

    monkeypatch.setattr(import_files, "MAX_BYTES", 1000)
    assert "at most 1,000 are read" in take(desk, folder).refused[0]
    monkeypatch.setattr(import_files, "MAX_FILES", 0)
    with pytest.raises(BadInput, match="at most 0"):
        take(desk, folder)


def test_a_name_with_control_characters_is_shown_plainly(desk: Desk, folder: Path) -> None:
    (folder / "a\x1b[31m\nb.png").write_bytes(b"x")
    (line,) = take(desk, folder).refused
    assert "\x1b" not in line and "\n" not in line


def test_a_turned_photo_is_upright_and_another_colour_space_becomes_srgb(desk: Desk, folder: Path) -> None:
    upright = shot(900, 700)
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held upright: rotate 90 degrees clockwise to view
    upright.transpose(Image.Transpose.ROTATE_90).save(
        folder / f"jane_foliage_teal_soft_light_{JOB}.jpg", exif=turned, quality=95,
        icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    )  # fmt: skip
    (folder / "pier.png").unlink()
    assert take(desk, folder).refused == ()
    made = cache_of(desk).get(rows(desk)[0].creative.requests[0])
    assert made is not None
    expected = np.asarray(ImageOps.fit(upright, (600, 504), Image.Resampling.LANCZOS), float)
    assert np.abs(made.pixels - expected).mean() < 3
    broken = data_of(shot(seed=4), pnginfo=texts(Description=PROMPT), icc_profile=b"not a profile at all" * 9)
    (folder / "profile.png").write_bytes(broken)
    notes = next(t.notes for t in take(desk, folder).taken if t.file == "profile.png")
    assert any("colour profile" in note for note in notes)


def test_words_spread_over_a_folder_and_follow_the_picture_when_the_campaign_grows(
    desk: Desk, folder: Path
) -> None:
    for seed in range(2, 6):
        shot(450, 380, seed=seed).save(folder / f"{seed}.png", pnginfo=texts(Description=PROMPT))
    take(desk, folder)
    before = {r.creative.seed: r.creative.genome for r in rows(desk)}
    assert len(before) == 5 and len({g["headline"] for g in before.values()}) > 1
    file = desk.root / "campaign.yaml"
    grown = file.read_text().replace("headline: [ritual,", "headline: [quiet, ritual,")
    file.write_text(grown.replace("    ritual: Slow", "    quiet: A quiet cup\n    ritual: Slow"))
    with open_desk(file) as larger:
        assert "quiet" in larger.campaign.space.attributes["headline"]
        assert take(larger, folder).new == 0


def test_a_full_disk_stops_the_import_and_keeps_what_was_saved(
    desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dco.errors import StoreError
    from dco.store import files as store_files

    shot(450, 380, seed=2).save(folder / "z.png", pnginfo=texts(Description=PROMPT))
    write, done = store_files._write_whole, []

    def full(path: Path, data: bytes) -> None:
        if path.parent.parent.name == "originals":
            done.append(path)
            if len(done) > 1:
                raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(store_files, "_write_whole", full)
    with pytest.raises(StoreError, match="No space left"):
        take(desk, folder)
    assert len(rows(desk)) == 1
    monkeypatch.undo()
    assert take(desk, folder).new == 1


@pytest.mark.parametrize("side", ["copy space left", "copy space right"])
def test_the_words_go_where_the_picture_is_calm(side: str) -> None:
    rng = np.random.default_rng(3)
    pixels = np.full((300, 400, 3), 128, np.uint8)
    busy = slice(200, None) if side == "copy space left" else slice(0, 200)
    pixels[:, busy] = rng.integers(0, 255, (300, 200, 3))
    options = ("copy space right", "centered", "copy space left")
    assert calmest(pixels, options) == side
    assert calmest(pixels, ("centered",)) == "centered"
    noise = rng.integers(0, 255, (300, 400, 3)).astype(np.uint8)
    assert calmest(noise, options) == "centered"


def test_only_ids_that_say_so_allow_or_forbid_ads() -> None:
    said = {
        i: commercial(i)
        for i in ("CC0-1.0", "CC-BY-SA-4.0", "CC-BY-ND-4.0", "CC-BY-NC-SA-4.0", "LicenseRef-x")
    }
    assert list(said.values()) == ["yes", "yes", "no", "no", "unknown"]


def test_an_imported_ad_goes_live_under_its_licence_and_not_under_one_that_forbids_it(
    desk: Desk, folder: Path
) -> None:
    take(desk, folder, license="CC-BY-NC-4.0")
    shot(seed=5).save(folder / "free.png", pnginfo=texts(Description=PROMPT))
    take(desk, folder, license="LicenseRef-Midjourney-Terms")
    approve(desk, ["all"], by="Jane Doe", now=NOW)
    bound, open_ = sorted((r.creative for r in rows(desk)), key=lambda c: "NC" not in c.model)
    with pytest.raises(Unlicensed, match=r"CC-BY-NC-4\.0"):
        publish_arms(desk, [bound.arm_id, open_.arm_id], now=NOW)
    publish_arms(desk, [open_.arm_id], now=NOW)
    assert {r.arm_id: r.state for r in rows(desk)} == {bound.arm_id: "approved", open_.arm_id: "live"}


def test_the_command_line_tells_codes_and_ways_out(
    desk: Desk, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def dco(*options: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["import", str(desk.root), str(folder), "--segment", "commuters", *options])
        return (int(end.value.code or 0), *capsys.readouterr())

    code, _, error = dco()
    assert code == 3 and "--license" in error and error.count("\n") == 1
    code, out, error = dco("--license", "CC0-1.0", "--by", "Jane")
    assert code == 0 and error == ""
    assert "drafted dco" in out and f"then: dco approve {desk.root} all" in out
    (folder / "bad.png").write_bytes(b"x")
    code, out, _ = dco("--license", "CC0-1.0", "--json")
    said = json.loads(out)
    assert code == 2 and len(said["refused"]) == 1 and [t["new"] for t in said["taken"]] == [False]
    code, out, _ = dco("--license", "CC0-1.0")
    assert code == 2 and "refused: bad.png" in out and "unchanged dco" in out
