"""Pictures made by an executor's workers are the pictures made here, and what goes wrong with one stays with it."""

from __future__ import annotations

import resource
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dco.cluster.executor import Executor, open_executor
from dco.errors import BadInput, StoreError
from dco.generate.backend import load_backend
from dco.generate.cache import PictureCache
from dco.generate.picture import Picture
from dco.generate.request import Request
from dco.generate.studio import make
from dco.jobs.pictures import EXECUTOR, Studio, executor
from dco.records import Campaign, Model
from dco.settings import load_campaign
from tests.journeys.campaigns import small

REQUESTS = [
    Request.of({"scene": scene, "palette": palette}, width, height, seed, strength=0.5, steps=2)
    for seed, (scene, palette, width, height) in enumerate(
        [
            ("beach", "teal", 64, 64), ("studio podium", "blue", 64, 64), ("foliage", "green", 96, 48),
            ("beach", "coral", 64, 64), ("soft gradient", "amber", 96, 48), ("beach", "amber", 64, 64),
        ]
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return load_campaign(small(tmp_path_factory.mktemp("pictures") / "campaign"))


def drawn_by(campaign: Campaign, backend: str) -> Campaign:
    return replace(campaign, model=Model(backend=backend))


def hashes(outcomes: Any) -> list[str]:
    assert all(isinstance(o, Picture) for o in outcomes), outcomes
    return [o.sha256 for o in outcomes]


@pytest.mark.parametrize("backend", ["procedural", "embedded"])
def test_the_workers_of_a_cluster_make_the_same_bytes_as_this_process(
    campaign: Campaign, backend: str, two: Executor
) -> None:
    plain = hashes(make(REQUESTS, load_backend(backend)))
    here = make(REQUESTS, Studio(drawn_by(campaign, backend), open_executor("local")))
    assert hashes(here) == plain
    assert all(o.seconds > 0 and o.watt_hours > 0 for o in here if isinstance(o, Picture))
    assert hashes(make(REQUESTS, Studio(drawn_by(campaign, backend), two))) == plain


def test_the_disk_fills_up_one_clear_error_and_what_was_finished_is_kept(
    campaign: Campaign, tmp_path: Path
) -> None:
    requests = [*REQUESTS[:2], Request.of({"scene": "beach", "palette": "teal"}, 400, 400, 9)]
    cache, studio = PictureCache(tmp_path), Studio(drawn_by(campaign, "procedural"), open_executor("local"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))
        with pytest.raises(StoreError, match=r"cannot write a picture .* free space and run again"):
            make(requests, studio, cache)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    kept = [cache.has(request.key(studio.model_id)) for request in requests]
    assert kept == [True, True, False]
    assert not list(tmp_path.rglob(".tmp-*"))
    again = make(requests, studio, cache)
    assert [o.cached for o in again if isinstance(o, Picture)] == kept


def test_the_environment_names_the_executor_and_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EXECUTOR, raising=False)
    assert executor().slots == 1
    monkeypatch.setenv(EXECUTOR, "ray:many")
    with pytest.raises(BadInput, match="DCO_EXECUTOR: expected an executor such as local"):
        executor()
