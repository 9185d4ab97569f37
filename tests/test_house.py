"""What holds for the whole house: cheap help, layers, an inventory that is true, documents that run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dco import registry
from dco.cli.commands import COMMANDS
from dco.families import FAMILIES

ROOT = Path(__file__).parents[1]
HEAVY = (
    "torch",
    "diffusers",
    "transformers",
    "pandas",
    "scipy",
    "sqlmodel",
    "sqlalchemy",
    "pyarrow",
    "numpy",
)


def loaded(arguments: str) -> set[str]:
    """Top-level modules in sys.modules after a command line, in a fresh interpreter."""
    code = (
        "import sys\nfrom dco.cli import main\n"
        f"try: main({arguments})\nexcept SystemExit: pass\n"
        "print('MODULES', *sorted({m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.rsplit("MODULES", 1)[1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["nightly", "--help"], ["demo", "--help"]], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert not loaded(repr(arguments)) & set(HEAVY)


def test_listing_parts_imports_none_of_them() -> None:
    code = (
        "import sys\nfrom dco import registry\nfrom dco.families import FAMILIES\n"
        "for f in FAMILIES: registry.names(f)\n"
        "print(*[m for m in sys.modules if m.split('.')[0] in ('torch', 'diffusers', 'pandas', 'scipy', 'sqlmodel')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("family", FAMILIES)
def test_every_part_exposes_what_its_family_promises(family: str) -> None:
    assert registry.names(family), f"no {family}"
    for name in registry.names(family):
        assert registry.load(family, name) is not None


def test_every_command_has_help_an_example_and_a_run() -> None:
    run = (ROOT / "dco" / "cli" / "run.py").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert command.help and command.example.startswith(f"dco {command.name}")
        assert re.search(rf"^def {command.run}\(", run, re.MULTILINE), command.name


def test_the_inventory_in_the_architecture_page_is_the_code() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for family, where in FAMILIES.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| {family} |"))
        listed = set(re.findall(r"`([a-z0-9_]+)`", row.split("|")[3]))
        assert listed == set(registry.names(family)), f"{family} in {where.package}"
    commands = next(line for line in page.splitlines() if line.startswith("Commands:"))
    assert set(re.findall(r"`([a-z]+)`", commands)) == {c.name for c in COMMANDS}
    rooms = {p.name for p in (ROOT / "dco").iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    listed = set(re.findall(r"^\| `([a-z]+)/` \|", page, re.MULTILINE))
    assert listed == rooms


def test_nothing_committed_names_a_machine_path() -> None:
    """A path of the machine it was written on is of no use to anyone else."""
    pattern = re.compile(r"(?<![\w./<-])/(?:work|farm|root|opt|home|tmp)/[A-Za-z.]")
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    text = (".py", ".md", ".toml", ".yaml", ".yml", ".json", ".ipynb", ".csv", ".j2")
    for name in filter(lambda n: n.endswith(text) and (ROOT / n).exists(), files):
        hit = pattern.search((ROOT / name).read_text(encoding="utf-8", errors="replace"))
        assert hit is None, f"{name}: {hit and hit.group()}"
