"""The bookkeeping under any order of answers, deaths and hangs: every id ends once, and nothing is tried a third time."""

from __future__ import annotations

from collections import Counter

import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dco.cluster.work import Chunk, Work
from dco.errors import BadData
from tests.cluster.workers import batch

SIZES = st.lists(st.integers(1, 4), max_size=6)


@given(SIZES, st.data())
def test_every_id_ends_exactly_once_whatever_happens_to_the_workers(
    sizes: list[int], data: st.DataObject
) -> None:
    batches = [batch(*["go"] * n, first=10 * i) for i, n in enumerate(sizes)]
    asked = {one for b in batches for one in b["id"].to_pylist()}
    work, out = Work(batches), []
    ended: list[str] = []
    handed: Counter[str] = Counter()
    while True:
        if len(out) < 3 and (chunk := work.take()) is not None:
            out.append(chunk)
            handed.update(chunk.rest()["id"].to_pylist())
            assert set(chunk.rest()["id"].to_pylist()) == set(chunk.left)
            continue
        if not out:
            break
        chunk: Chunk = data.draw(st.sampled_from(out))
        event = data.draw(st.sampled_from(["answer", "end", "lost", "hung"]))
        if event == "answer" and chunk.left:
            one = data.draw(st.sampled_from(sorted(chunk.left)))
            part = chunk.rest().filter(pc.equal(chunk.rest()["id"], one))
            ended += work.answered(chunk, part)["id"].to_pylist()
            continue
        out.remove(chunk)
        if event == "hung" and chunk.left:
            lost = work.worker_hung(chunk, 1.0)
        elif event == "lost":
            lost = work.worker_lost(chunk, "gone")
        else:
            lost = work.finished(chunk)
        ended += [one for some in lost for one in some.ids]
    assert Counter(ended) == Counter(asked)
    assert max(handed.values(), default=0) <= 2


def test_an_answer_that_nobody_asked_for_is_refused() -> None:
    work = Work([batch("go")])
    chunk = work.take()
    assert chunk is not None
    with pytest.raises(BadData, match="answered 'n7'"):
        work.answered(chunk, batch("go", first=7))
