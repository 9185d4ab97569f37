"""Words become a board of pictures, and nothing that was not understood is passed over in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from dco.cli import main
from dco.errors import BadInput, Refused
from dco.jobs.moodboard import moodboard


def test_what_is_stated_stays_and_what_is_open_varies(tmp_path: Path) -> None:
    board = moodboard(
        "autumn mood board: calm beach with a flamingo",
        tmp_path,
        count=4,
        size=(96, 96),
        backend="procedural",
    )
    assert board.understood == {"season": "autumn", "mood": "calm", "scene": "beach"}
    assert board.unknown == ("mood", "board", "flamingo")
    assert len({Image.open(path).tobytes() for path in board.files}) == 4
    assert board.sheet.stat().st_size > 0
    assert all("beach" in path.name for path in board.files)


def test_the_same_words_give_the_same_board(tmp_path: Path) -> None:
    boards = [moodboard("winter", tmp_path / n, count=2, size=(64, 64), backend="procedural") for n in "ab"]
    first, second = ([path.read_bytes() for path in board.files] for board in boards)
    assert first == second


def test_the_command_says_what_it_could_not_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["moodboard", "marble tabletop with a cat", "--folder", str(tmp_path), "--count", "1"]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--size", "64x64", "--backend", "procedural"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "not understood: cat" in said
    assert "moodboard.jpg" in said


@pytest.mark.parametrize(
    ("text", "count", "error", "said"),
    [
        ("  ", 1, BadInput, "say what to show"),
        ("beach", 0, BadInput, "count 0 is out of range"),
        ("naked people on a beach", 1, Refused, "rule 'adult' refuses"),
    ],
)
def test_a_board_that_cannot_be_is_refused(
    text: str, count: int, error: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        moodboard(text, tmp_path, count=count, backend="procedural")
