"""What only the picture room can tell is wrong with a campaign file is still told of the file, before anything is made."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dco import registry
from dco.errors import BadCampaign, UnknownName
from dco.jobs.desk import open_desk
from dco.jobs.draft import start
from dco.jobs.init import init


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        (
            "  # season: [none, autumn] ",
            "  season: [none, autum] ",
            r"other\.yaml, line \d+, attributes\.season: .*did you mean 'autumn'",
        ),
        (
            "  strength: 0.6 ",
            "  options: {bogus: 3}\n  strength: 0.6 ",
            r"other\.yaml, line \d+, model: backend 'embedded': .*bogus",
        ),
    ],
)
def test_a_word_nobody_can_draw_and_an_option_nobody_takes_name_the_file(
    line: str, instead: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "campaign" / "other.yaml"
    written = init(file.parent)[0].read_text()
    assert written.count(line) == 1
    file.write_text(written.replace(line, instead))
    with open_desk(file) as desk, pytest.raises(BadCampaign, match=said):
        start(desk, now=datetime(2026, 8, 31, tzinfo=UTC))


@pytest.mark.parametrize(
    ("family", "one"), [("policies", "policy"), ("benches", "bench"), ("scenes", "scene")]
)
def test_an_unknown_part_is_called_by_its_name(family: str, one: str) -> None:
    with pytest.raises(UnknownName, match=f"no {one} named 'x'"):
        registry.load(family, "x")
