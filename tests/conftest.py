"""What every suite shares: hypothesis without wall-clock deadlines, and where real data lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A deadline would make a busy machine a failing test; speed is measured by benchmarks, never here. The gate draws the
# same examples every time, so that what passed once passes again; `make fuzz` looks for new ones.
settings.register_profile(
    "gate", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60, derandomize=True
)
settings.register_profile("fuzz", parent=settings.get_profile("gate"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("DCO_HYPOTHESIS", "gate"))

REAL_DATA = os.environ.get("DCO_REAL_DATA", "")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; a test that asks for it is skipped by name where there is none."""
    if not REAL_DATA or not Path(REAL_DATA).is_dir():
        pytest.skip("real data sets are not at hand (set DCO_REAL_DATA to their folder)")
    return Path(REAL_DATA)
