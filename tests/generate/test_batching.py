from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from dco.generate.batching import Batcher, in_order, out_of_memory, reason


@given(st.integers(0, 20), st.integers(1, 6), st.sets(st.integers(0, 19)))
def test_only_the_bad_member_fails_and_every_batch_has_one_size(count: int, size: int, bad: set[int]) -> None:
    sizes = []

    def work(items: Sequence[int]) -> list[int]:
        sizes.append(len(items))
        if bad & set(items):
            raise ValueError("spoilt")
        return [item * 10 for item in items]

    results = list(Batcher(size, work).run(range(count)))
    assert [isinstance(r, ValueError) for r in results] == [i in bad for i in range(count)]
    assert [r for r in results if isinstance(r, int)] == [i * 10 for i in range(count) if i not in bad]
    assert set(sizes) <= {size}


@given(st.integers(1, 20), st.integers(1, 16), st.integers(1, 16))
def test_too_little_memory_halves_the_batch_and_goes_on(count: int, size: int, room: int) -> None:
    def work(items: Sequence[int]) -> list[int]:
        if len(items) > room:
            raise MemoryError
        return list(items)

    batcher = Batcher(size, work)
    assert list(batcher.run(range(count))) == list(range(count))
    assert batcher.size <= max(room, 1)


def test_one_picture_that_does_not_fit_fails_alone() -> None:
    def work(items: Sequence[int]) -> list[int]:
        if 2 in items:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return list(items)

    results = list(Batcher(4, work).run(range(4)))
    assert [isinstance(r, Exception) for r in results] == [False, False, True, False]
    assert reason(results[2]).startswith("out of memory even for one picture")  # type: ignore[arg-type]


def test_what_torch_says_on_a_cpu_counts_as_out_of_memory() -> None:
    said = "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
    assert out_of_memory(RuntimeError(said))
    assert not out_of_memory(RuntimeError("shape mismatch"))


@given(st.permutations(range(8)))
def test_results_come_in_order_and_as_soon_as_they_can(numbers: list[int]) -> None:
    assert list(in_order((n, n) for n in numbers)) == list(range(8))


def test_a_reason_is_one_line() -> None:
    assert reason(ValueError("a\n  b" + "x" * 999)).startswith("ValueError: a b")
    assert len(reason(ValueError("x" * 999))) < 330
