"""The commands as a user types them: one line per mistake, exit codes as documented, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.campaigns import small


def dco(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dco", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_the_commands_of_a_first_evening(tmp_path: Path) -> None:
    small(tmp_path / "c", by_rule=False)
    made = dco("generate", "c", "--per-segment", "2", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "6 creatives" in made.stdout and "gallery.html" in made.stdout
    early = dco("nightly", "c", "--date", "2026-03-02", cwd=tmp_path)
    assert early.returncode == 0 and "no new version" in early.stdout
    approved = dco("approve", "c", "all", "--by", "Jane Doe", cwd=tmp_path)
    assert approved.returncode == 0 and "approved 12" in approved.stdout, (
        "six, and six more that the first night drafted to fill the pool"
    )
    night = dco("nightly", "c", "--date", "2026-03-03", "--json", cwd=tmp_path)
    assert night.returncode == 0 and json.loads(night.stdout)["version"] == 1
    again = dco("nightly", "c", "--date", "2026-03-03", cwd=tmp_path)
    assert again.returncode == 0 and "nothing changed" in again.stdout
    status = dco("status", "c", cwd=tmp_path)
    assert status.returncode == 0 and "12 live" in status.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nightly", "nowhere"], 2, "no such campaign file"),
        (["check", "nothing.csv"], 2, "nothing.csv"),
        (["check", "c/brand"], 2, "no such campaign file"),
        (["nightly", "c", "--date", "yesterday"], 2, "expected a date"),
        (["init", "c"], 3, "nothing was written"),
        (["approve", "c", "dcoffff"], 2, "no creative named"),
        (["study", "nothing"], 2, "no study named"),
        (["demo", "--folder", "c"], 3, "no demo made it"),
        (["try", "nothing.png", "Hello", "https://a.example"], 2, "nothing.png"),
        (["try", "c/brand/product.png", "Hello", "http://a.example"], 2, "https://"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_a_mistake_is_one_line_and_an_exit_code(
    arguments: list[str], code: int, says: str, tmp_path: Path
) -> None:
    small(tmp_path / "c")
    done = dco(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("dco: ")]
    assert len(errors) == 1 and says in errors[0]
    assert "Traceback" not in done.stderr


def test_a_campaign_is_checked_and_nothing_is_drawn(tmp_path: Path) -> None:
    file = small(tmp_path / "c")
    before = sorted(tmp_path.rglob("*"))
    for name in ("c", "c/campaign.yaml"):
        done = dco("check", name, cwd=tmp_path)
        assert done.returncode == 0 and "campaign aurora-autumn: can be drawn" in done.stdout, done.stderr
    assert sorted(tmp_path.rglob("*")) == before
    (file.parent / "brand" / "logo.png").unlink()
    done = dco("check", "c", "--json", cwd=tmp_path)
    assert done.returncode == 2 and "brand.logo: no file 'brand/logo.png'" in done.stderr


@pytest.mark.parametrize(("stated", "threads"), [(None, "1"), ("2", "2")])
def test_a_command_takes_one_thread_of_linear_algebra_unless_told_otherwise(
    stated: str | None, threads: str
) -> None:
    """In an interpreter of its own: the number is read when numpy comes first, so the command must set it before."""
    look = (
        "import os, sys\nfrom dco.cli.main import main\nassert 'numpy' not in sys.modules\n"
        "try:\n    main(['--version'])\nexcept SystemExit:\n    pass\nprint(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    if stated:
        environment["OPENBLAS_NUM_THREADS"] = stated
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == threads
