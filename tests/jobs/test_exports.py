"""File weight is a check like any other: what cannot be shipped is refused before anybody is asked to approve it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dco.compose.kit import Ad
from dco.compose.sizes import ad_size
from dco.errors import DoesNotFit
from dco.jobs import draft, rasters
from dco.jobs.create import exported
from dco.jobs.desk import open_desk
from dco.jobs.simulated import morning
from dco.store.arms import arms
from tests.journeys.campaigns import small


def test_an_ad_too_heavy_to_ship_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1920, 1080, 3)).astype(np.uint8)
    with pytest.raises(DoesNotFit, match="1080x1920"):
        exported({"1080x1920": Ad("1080x1920", noise, (), {})})


def test_every_stored_file_keeps_the_weight_of_its_size_and_can_be_made_again(tmp_path: Path) -> None:
    with open_desk(small(tmp_path / "campaign")) as desk:
        draft.start(desk, now=morning(-1, "Europe/Berlin"), per_segment=1)
        files = desk.workspace.files
        with desk.workspace.read() as conn:
            creative = arms(conn, desk.campaign.key)[0].creative
        for size, name in creative.rasters.items():
            stored = rasters.jpeg(files, name, size)
            assert len(stored) <= ad_size(size).max_bytes
            files.path(rasters.EXPORTS, name, ".jpg").unlink()
            assert rasters.jpeg(files, name, size) == stored
