"""One cluster of two workers for every test that needs one: starting it costs more than all of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from dco.cluster.executor import Executor, open_executor


@pytest.fixture(scope="session")
def two() -> Iterator[Executor]:
    """A real Ray cluster on this machine; skipped by name where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed (extra dco[cluster])")
    opened = open_executor("ray:2")
    yield opened
    opened.close()
