"""What an approver is told about an imported photograph: nothing is refused that a person may want."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from dco.cli.main import main
from dco.generate.paint.render import render
from dco.generate.vocabulary import Look
from dco.jobs.deliver import write_gallery
from dco.jobs.desk import Desk, open_desk
from dco.jobs.import_pictures import Imported, import_pictures
from dco.store.arms import arms
from tests.journeys.campaigns import small

SIDE = "copy space left"
NOW = datetime(2026, 8, 20, 12, tzinfo=UTC)


def photo(scene: str, seed: int) -> Image.Image:
    pixels = render(Look(scene, "teal", composition=SIDE), 720, 600, seed)
    return Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))


def noisy(side: slice) -> Image.Image:
    """A calm picture with a crowd on one side of it."""
    pixels = np.array(photo("studio podium", 5))
    crowd = np.random.default_rng(1).integers(0, 255, (60, 36, 3), np.uint8).repeat(10, 0).repeat(10, 1)
    pixels[:, side] = crowd
    return Image.fromarray(pixels)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(small(tmp_path / "c")) as opened:
        yield opened


def folder_of(tmp_path: Path, **pictures: Image.Image) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir(exist_ok=True)
    for name, image in pictures.items():
        image.save(folder / f"{name}.png")
    lines = [f"{p.name},foliage,teal,soft light,{SIDE}" for p in sorted(folder.glob("*.png"))]
    (folder / "attributes.csv").write_text("\n".join(["file,scene,palette,light,composition", *lines]))
    return folder


def take(desk: Desk, folder: Path) -> Imported:
    return import_pictures(
        desk, folder, license="CC-BY-4.0", by="Jane Doe", now=NOW, segments=["commuters", "gift_buyers"]
    )


def test_a_soft_a_busy_and_a_repeated_photo_are_taken_with_a_warning_each_and_a_good_one_without(
    desk: Desk, tmp_path: Path
) -> None:
    good = photo("foliage", 2)
    jpeg = io.BytesIO()
    good.crop((10, 8, 716, 596)).resize((720, 600), Image.Resampling.LANCZOS).save(jpeg, "JPEG", quality=80)
    done = take(desk, folder_of(
        tmp_path, a_good=good, b_soft=photo("mountain ridge", 3).filter(ImageFilter.GaussianBlur(4)),
        c_busy=noisy(slice(0, 360)), d_calm=noisy(slice(360, 720)), e_again=Image.open(jpeg),
    ))  # fmt: skip
    assert done.refused == () and {t.file for t in done.taken if t.new} == {
        "a_good.png", "b_soft.png", "c_busy.png", "d_calm.png", "e_again.png",
    }  # fmt: skip
    told = {name: [w for w in done.warnings if w.startswith(name)] for name in "abcde"}
    assert not told["a"] and not told["d"], done.warnings
    assert len(told["b"]) == 1 and "blurred: edges are" in told["b"][0]
    assert len(told["c"]) == 1 and "copy side" in told["c"][0]
    assert any(w == "e_again.png: shows nearly the same as a_good.png" for w in told["e"])
    # What was measured is on record and on the page where a person decides.
    with desk.workspace.read() as conn:
        row = next(r for r in arms(conn, desk.campaign.key) if "b_soft" in r.reason)
    record = row.reason.rsplit("record ", 1)[1]
    kept = json.loads(desk.workspace.files.path("imports", record, ".json").read_bytes())
    assert kept["warnings"] == told["b"]
    assert "times as steep up close" in write_gallery(desk).read_text(encoding="utf-8")
    # Once taken, the same folder warns of nothing: not of itself, either.
    again = take(desk, tmp_path / "photos")
    assert again.new == 0 and again.warnings == ()


def test_the_command_says_warnings_and_a_later_folder_is_compared_with_what_is_there(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take(desk, folder_of(tmp_path, one=photo("foliage", 2))).warnings == ()
    (tmp_path / "photos" / "one.png").unlink()
    brighter = Image.fromarray(
        np.clip(np.array(photo("foliage", 2)).astype(int) + 2, 0, 255).astype(np.uint8)
    )
    folder = folder_of(tmp_path, two=brighter)
    with pytest.raises(SystemExit) as end:
        main(["import", str(desk.root), str(folder), "--license", "CC0-1.0", "--by", "Jane"])
    out = capsys.readouterr().out
    assert end.value.code == 0 and "refused" not in out
    (line,) = [line for line in out.splitlines() if line.startswith("warning: ")]
    assert line.startswith("warning: two.png: shows nearly the same as dco")
    assert line.endswith(" in commuters; look at it before you approve")
