"""README is executed: every Python block runs, every command of a console block gives the exit code it shows.

Blocks run top to bottom in one empty folder, as a reader would type them. The two set-up commands that this very test run
stands on (`make demo`, `make test`, cloning) are the only ones not typed again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(python|console|sh)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
NOT_TYPED_AGAIN = ("make ", "git clone", "cd ")


def test_every_block_of_the_readme_runs(tmp_path: Path) -> None:
    assert len(BLOCKS) >= 3
    bin_folder = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "USER": "reader"}
    for kind, body in BLOCKS:
        if kind == "python":
            script = tmp_path / "block.py"
            script.write_text(body, encoding="utf-8")
            done = subprocess.run(
                [sys.executable, "block.py"], cwd=tmp_path, env=env, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{body}\n{done.stderr[-3000:]}"
            continue
        for line in body.splitlines():
            if not line.startswith("$ "):
                continue
            command, _, note = line[2:].partition("  # exits ")
            if command.startswith(NOT_TYPED_AGAIN):
                continue
            expected = int(note.split()[0]) if note else 0
            done = subprocess.run(command, shell=True, cwd=tmp_path, env=env, capture_output=True, text=True)
            assert done.returncode == expected, f"{command}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
            assert "Traceback" not in done.stderr


def test_pictures_the_readme_shows_are_there() -> None:
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README) + re.findall(r'<img src="([^"]+)"', README)
    assert shown, "the first screen shows a real result with pictures"
    for name in shown:
        assert (ROOT / name).is_file(), name


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https?:|#)([^)#]+)", README))))
def test_a_link_of_the_readme_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
