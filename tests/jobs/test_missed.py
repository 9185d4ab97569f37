"""An idea whose pictures no gate lets pass: said in one line, kept on record, and shown in the report."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from image_api import Ask, Reply, picture_reply, serving
from PIL import Image

from dco.cli.main import main
from dco.jobs import draft
from dco.jobs.deliver import write_report
from dco.jobs.desk import open_desk
from dco.jobs.facts import campaign_report
from dco.jobs.nightly import Night, nightly
from dco.jobs.simulated import day_of, morning
from dco.records import Genome, Missed
from dco.reports.plain import missed_sentence
from dco.store import missed, runs
from tests.journeys.campaigns import small

ZONE = "Europe/Berlin"


def echo(ask: Ask) -> Reply:
    """What a faithful service does: the picture it was sent, but noise for one scene."""
    assert ask.image is not None
    return picture_reply(NOISE if "marble" in ask.fields["prompt"] else ask.image)


def _noise() -> bytes:
    data = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 255, (1024, 1024, 3), np.uint8)
    Image.fromarray(pixels).save(data, "PNG", compress_level=1)
    return data.getvalue()


NOISE = _noise()


def hosted(folder: Path, url: str) -> Path:
    file = small(folder, backend="openai_images")
    text = file.read_text(encoding="utf-8")
    text = text.replace("model:\n", f"model:\n  options: {{base_url: '{url}', edits: true}}\n")
    file.write_text(text, encoding="utf-8")
    return file


def test_an_idea_that_a_gate_refuses_twice_is_told_kept_on_record_and_shown_in_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(echo) as (url, _):
        file = hosted(tmp_path / "c", url)
        with pytest.raises(SystemExit) as ended:
            main(["generate", str(file), "--per-segment", "3"])
        assert ended.value.code == 0
        told = capsys.readouterr().out
        night = nightly(file, now=morning(0, ZONE))
    with open_desk(file) as desk, desk.workspace.read() as conn:
        eve, first = runs.listing(conn, desk.campaign.key)
        kept = missed.of_run(conn, eve)
        tonight = missed.of_run(conn, first)
        notes = campaign_report(conn, desk, now=morning(1, ZONE)).nights
        page = write_report(desk, now=morning(1, ZONE)).read_text(encoding="utf-8")
    marble = [one for one in kept if one.genome["scene"] == "marble tabletop"]
    assert marble and all(len(one.gates) == 2 and all(one.gates) and one.reason for one in marble)
    line = told.splitlines()[0]
    assert line.startswith(f"{len(kept)} of 9 ideas gave no ad: ")
    assert line.count("(refused twice by gate ") >= len(marble)
    for one in kept:
        assert f"{one.genome['palette']} {one.genome['scene']}, '{one.genome['headline']}'" in line
        assert one.reason.removeprefix("no picture: ") in line
    assert eve.day == day_of(-1) and notes[0].missed == tuple(kept) and notes[0].born == 9 - len(kept)
    assert f"{len(kept)} of 9 ideas gave no ad" in page
    # The night says the same of its own ideas, now and whenever it is asked again.
    assert len(night.not_made) == len(tonight) == len(notes[1].missed)
    assert (night.missed_line == "") == (not tonight)
    again = nightly(file, now=morning(0, ZONE))
    assert again.already_done and again.missed_line == night.missed_line


def test_what_is_made_after_all_is_struck_off_the_record(tmp_path: Path) -> None:
    with serving(lambda ask: picture_reply(ask.image or b"")) as (url, _):
        file = hosted(tmp_path / "c", url)
        with open_desk(file) as desk:
            idea = draft.starting_ideas(desk, 1)[0]
            other = Missed("commuters", Genome.of({"scene": "beach"}), "too dark", ("sound",))
            batch = draft.make(desk, [idea])
            draft.save_waiting(desk, batch, now=morning(-1, ZONE))
            with desk.workspace.write() as conn:
                (run,) = runs.listing(conn, desk.campaign.key)
                was = Missed(idea.segment, idea.genome, "blurred", ("sharpness", "artefacts"))
                missed.save(conn, run, [was, other, was])
                assert {m.reason for m in missed.of_run(conn, run)} == {"blurred", "too dark"}
                missed.save(conn, run, [], made=[(idea.segment, idea.genome)])
                assert missed.of_run(conn, run) == [other]


def test_many_ideas_without_an_ad_are_counted_behind_the_first_three() -> None:
    many = [Missed("a_b", Genome.of({"scene": f"s{n}", "light": "soft"}), "blurred.") for n in range(5)]
    line = missed_sentence(9, many)
    assert (
        line
        == "5 of 9 ideas gave no ad: s0 in a b (blurred); s1 in a b (blurred); s2 in a b (blurred); 2 others."
    )
    assert "s4 in a b" in missed_sentence(9, many, most=5)
    two = Missed("a", Genome.of({"offer": "none"}), "no picture: grey", ("sound", "sharpness"))
    assert missed_sentence(1, [two]) == (
        "1 of 1 idea gave no ad: none in a (refused by gate sound, then by gate sharpness: grey)."
    )


def test_a_night_of_an_older_store_that_kept_less_is_still_told() -> None:
    night = Night("c", "2026-03-03", 1, not_made=({"segment": "a", "reason": "too dark"},))
    assert night.missed_line == "1 of 1 idea gave no ad: an idea in a (too dark)."
