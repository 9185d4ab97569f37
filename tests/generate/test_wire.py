"""Requests and outcomes come back from Arrow as they went in, byte for byte."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dco.errors import BadModel
from dco.generate import wire
from dco.generate.picture import Failure, Picture
from dco.generate.reference import Reference
from dco.generate.request import Request


def through_ipc(batch: pa.RecordBatch) -> pa.RecordBatch:
    """As another process would read it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return pa.ipc.open_stream(sink.getvalue()).read_next_batch()


requests = st.builds(
    Request.of,
    st.just({"scene": "beach", "palette": "blue"}),
    st.integers(8, 40), st.integers(8, 40), st.integers(0, 2**63 - 1),
    prompt=st.text(min_size=1), guidance=st.floats(0, 50), strength=st.floats(0.1, 1), negative=st.text(),
)  # fmt: skip


@given(st.lists(requests, max_size=4), st.data())
def test_requests_come_back_equal(asked: list[Request], data: st.DataObject) -> None:
    by_key = {request.key("m"): request for request in asked}
    again = wire.requests_of(through_ipc(wire.requests_batch(by_key)))
    assert again == by_key
    assert [r.key("m") for r in again.values()] == list(by_key)


def test_reference_pictures_travel_with_their_pixels() -> None:
    rng = np.random.default_rng(0)
    init = Reference(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    mask = Reference(rng.integers(0, 256, (12, 16), dtype=np.uint8))
    request = Request.of({"scene": "beach"}, 16, 12, 1, init=init, mask=mask)
    (again,) = wire.requests_of(through_ipc(wire.requests_batch({"k": request}))).values()
    assert again == request and again.init is not None and again.mask is not None
    assert np.array_equal(again.init.pixels, init.pixels) and np.array_equal(again.mask.pixels, mask.pixels)


def test_outcomes_come_back_equal_with_what_they_cost() -> None:
    request = Request.of({"scene": "beach", "palette": "blue"}, 9, 8, seed=1)
    pixels = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    drawn = Picture(request, "a", pixels, 0.1 + 0.2, micros=None, currency="", watt_hours=1 / 3)
    paid = Picture(request, "b", pixels, 1.0, micros=40_000, currency="USD")
    for outcome in (drawn, paid):
        (again,) = wire.outcomes_of(through_ipc(wire.outcome_batch(outcome)), {"a": request, "b": request})
        assert isinstance(again, Picture) and again.sha256 == outcome.sha256
        for name in ("key", "request", "seconds", "cached", "micros", "currency", "watt_hours"):
            assert getattr(again, name) == getattr(outcome, name), name
    failed = Failure(request, "a", "out of memory")
    assert wire.outcomes_of(through_ipc(wire.outcome_batch(failed)), {"a": request}) == [failed]


def test_a_worker_with_another_model_refuses() -> None:
    with pytest.raises(BadModel, match="expected another, as where the night was started"):
        wire.PictureWorker(wire.job_options("procedural", {}, "another"))
