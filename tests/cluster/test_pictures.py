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
from dco.generate.picture import Failure, Outcome, Picture
from dco.generate.quality.panel import Panel
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


@pytest.mark.parametrize("where", ["here", "there"])
def test_workers_that_judge_what_they_drew_give_the_verdicts_of_this_process(
    campaign: Campaign, where: str, two: Executor
) -> None:
    backend = load_backend("procedural")
    tall = [Request.of({"scene": s, "palette": "teal"}, 240, 200, 3) for s in ("beach", "foliage")]
    seen = [*REQUESTS[:2], *tall]  # the first two are too small to be judged on more than soundness
    usual, lenient, found = Panel.of(backend), Panel.of(backend, limits={}), set()
    strict = Panel.of(backend, limits=dict.fromkeys(usual.limits, 1e9))
    for panel in (usual, lenient, strict):
        asked = make(seen, backend, panel=panel)
        found |= {type(o) for o in asked}
        executor = two if where == "there" else open_executor("local")
        studio = Studio(drawn_by(campaign, "procedural"), executor, panel)
        assert [facts(o) for o in make(seen, studio, panel=panel)] == [facts(o) for o in asked]
    assert found == {Picture, Failure}
    # Whoever asks with another panel than the workers judged by has every picture judged by it.
    studio = Studio(drawn_by(campaign, "procedural"), open_executor("local"), lenient)
    again = make(tall[:1], studio, panel=Panel.of(backend, gates=["sound"], limits={"sound.x": 1.0}))
    assert isinstance(again[0], Picture) and all(name.startswith("sound") for name in again[0].quality)


def facts(outcome: Outcome) -> tuple[Any, ...]:
    """All that does not depend on who was how fast."""
    if isinstance(outcome, Failure):
        return (outcome.key, outcome.gate, outcome.reason)
    return (outcome.key, outcome.sha256, dict(outcome.quality))


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
