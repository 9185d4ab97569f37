"""What only workers in processes of their own can suffer."""

from __future__ import annotations

import os
from pathlib import Path

from dco.cluster.executor import Executor, Lost
from tests.cluster.test_executors import DOUBLER, done
from tests.cluster.workers import batch, tries


def test_two_workers_share_the_work_outside_this_process(two: Executor) -> None:
    pids = set()
    for part in two.map(DOUBLER, [batch("go", first=i) for i in range(60)]):
        assert not isinstance(part, Lost)
        pids.add(part["pid"][0].as_py())
    assert len(pids) == 2 and os.getpid() not in pids


def test_what_a_killed_worker_had_left_is_done_exactly_once_more(two: Executor, tmp_path: Path) -> None:
    """n1 kills its worker once, n4 every time: the first is made by another, the second is given up."""
    batches = [
        batch("go", "die once", "go", folder=tmp_path),
        batch("go", first=3),
        batch("die", first=4, folder=tmp_path),
    ]
    answers, lost = done(two, batches)
    assert answers == {"n0": 0, "n1": 2, "n2": 4, "n3": 6}
    assert set(lost) == {"n4"} and lost["n4"].startswith("lost with its worker twice")
    assert tries(tmp_path / "n1") == tries(tmp_path / "n4") == 2


def test_a_hung_worker_is_stopped_and_another_takes_its_place(two: Executor, tmp_path: Path) -> None:
    batches = [batch("hang", folder=tmp_path), *(batch("go", first=i) for i in range(1, 5))]
    answers, lost = done(two, batches, limit=8)
    assert set(answers) == {"n1", "n2", "n3", "n4"}, lost
    assert lost == {"n0": "took longer than 8 s and was stopped"} and tries(tmp_path / "n0") == 1


def test_a_cluster_of_ones_own_asks_for_a_token_and_reports_to_nobody(two: Executor) -> None:
    assert two.slots == 2
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
