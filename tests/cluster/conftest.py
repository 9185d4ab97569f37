"""One cluster of two workers for every test that needs one: starting it costs more than all of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from dco.cluster.executor import Executor, open_executor
from dco.errors import NoWorker


@pytest.fixture(scope="session")
def two() -> Iterator[Executor]:
    """A real Ray cluster on this machine; skipped by name where Ray is not installed, or does not come up
    (it gives itself half a minute, which a machine at its limit may not have)."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed (extra dco[cluster])")
    opened = open_executor("ray:2")
    try:
        assert opened.slots == 2
    except NoWorker as error:
        pytest.skip(f"no Ray cluster here: {error}")
    yield opened
    opened.close()
