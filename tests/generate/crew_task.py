"""What the two workers of a test do; in a file of its own, so that their processes import little."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from dco.generate.training.crew import Crew


def average_ranks(crew: Crew, target: Path) -> None:
    """Average the ranks, vote, and write both down."""
    tensor = torch.full((3,), float(crew.rank))
    crew.average([tensor])
    agreed = crew.all_agree(crew.rank == 0)
    (target / f"{crew.rank}.json").write_text(json.dumps([tensor.tolist(), agreed]))
