"""What every executor promises: each id answered once or lost once, deliberate errors raised, hangs ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from dco import registry
from dco.cluster.executor import Executor, Job, Lost, open_executor
from dco.errors import BadData, BadInput, BadModel, UnknownName
from tests.cluster.workers import batch, tries

DOUBLER = Job("tests.cluster.workers:Doubler", "")


@pytest.fixture(scope="module", params=registry.names("executors"))
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "ray":
        yield request.getfixturevalue("two")
        return
    opened = open_executor(request.param)
    yield opened
    opened.close()


def done(
    executor: Executor, batches: Iterable[pa.RecordBatch], *, limit: float | None = None
) -> tuple[dict[str, int], dict[str, str]]:
    """Answers and losses by id."""
    answers: dict[str, int] = {}
    lost: dict[str, str] = {}
    for part in executor.map(DOUBLER, batches, limit=limit):
        if isinstance(part, Lost):
            assert not set(part.ids) & (answers.keys() | lost.keys())
            lost |= dict.fromkeys(part.ids, part.reason)
        else:
            rows = part.to_pylist()
            assert not {r["id"] for r in rows} & (answers.keys() | lost.keys())
            answers |= {r["id"]: r["twice"] for r in rows}
    return answers, lost


def test_every_id_comes_back_once_with_its_own_answer(executor: Executor) -> None:
    batches = [batch(*["go"] * 3, first=10 * i) for i in range(7)]
    answers, lost = done(executor, batches)
    assert lost == {}
    assert answers == {f"n{10 * i + j}": 2 * (10 * i + j) for i in range(7) for j in range(3)}


def test_nothing_to_do_is_nothing_done(executor: Executor) -> None:
    assert done(executor, []) == ({}, {})


def test_a_worker_that_fails_or_says_nothing_loses_its_rows_and_no_others(executor: Executor) -> None:
    answers, lost = done(executor, [batch("go", "raise", "go"), batch("nothing", "go", first=3)])
    assert set(answers) == {"n0", "n4"}
    assert lost["n1"] == lost["n2"] == "ValueError: no such number"
    assert lost["n3"] == "the worker returned nothing for it"


def test_a_deliberate_error_of_a_worker_is_raised_as_what_it_is(executor: Executor) -> None:
    with pytest.raises(BadModel, match=r"^folder: no model here$"):
        done(executor, [batch("go", "refuse")])
    assert done(executor, [batch("go")]) == ({"n0": 0}, {}), "and the executor goes on"


def test_a_listener_that_leaves_early_gets_no_stale_answers_later(executor: Executor) -> None:
    parts = executor.map(DOUBLER, [batch(*["go"] * 5), batch(*["go"] * 5, first=5)])
    next(iter(parts))
    parts.close()  # type: ignore[attr-defined]
    assert done(executor, [batch("go", first=50)]) == ({"n50": 100}, {})


def test_an_id_that_is_there_twice_is_refused(executor: Executor) -> None:
    with pytest.raises(BadData, match="'n0' is there twice"):
        done(executor, [batch("go"), batch("go")])


@pytest.mark.parametrize("setting", ["", "Ray", "ray:", "ray:two", "ray@", "local;x"])
def test_a_malformed_setting_is_refused_by_its_name(setting: str) -> None:
    with pytest.raises(BadInput, match=r"^DCO_EXECUTOR: expected an executor such as local, ray"):
        open_executor(setting)


def test_an_unknown_executor_and_a_crowd_in_one_process_are_refused() -> None:
    with pytest.raises(UnknownName, match="no executor named 'rai'; did you mean 'ray'"):
        open_executor("rai:2")
    with pytest.raises(BadInput, match="one worker in this process"):
        open_executor("local:2")


def test_a_ray_without_authentication_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(BadInput, match="unset RAY_AUTH_MODE"):
        open_executor("ray")


def test_a_hung_call_is_left_and_its_neighbours_are_saved(tmp_path: Path) -> None:
    """n1 hangs in company and alone; n2 behind it is tried again by a worker that was not there before."""
    batches = [batch("go", "hang", "go", folder=tmp_path), batch("go", first=3)]
    answers, lost = done(open_executor("local"), batches, limit=1)
    assert set(answers) == {"n0", "n2", "n3"}
    assert lost == {"n1": "took longer than 1 s and was stopped"}
    assert tries(tmp_path / "n1") == 2


def test_a_worker_that_only_hangs_ends_the_job_after_three_calls(tmp_path: Path) -> None:
    batches = [batch("hang", first=i, folder=tmp_path) for i in range(9)]
    answers, lost = done(open_executor("local"), batches, limit=0.3)
    assert answers == {} and set(lost) == {f"n{i}" for i in range(9)}
    assert len(list(tmp_path.iterdir())) == 3, "six were not even tried"
    assert lost["n8"].startswith("not tried: a call took longer than 0.3 s")
