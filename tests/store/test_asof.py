"""The rule that decides which delivery speaks for a day, against a look-back by hand."""

from __future__ import annotations

from datetime import date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from dco.store.asof import FULL, SliceRow, newest, versions

from .examples import DAY, day, noon


def piece(number: int, scope: str, stamp: datetime, account: str = "1", on: date = DAY) -> SliceRow:
    return SliceRow(
        number, "meta", account, scope, on, stamp, stamp, f"{number:064x}", stamp.date(), 1, str(number)
    )


pieces = st.lists(
    st.tuples(st.sampled_from([FULL, "a", "b"]), st.integers(0, 4), st.sampled_from(["1", "2"])), max_size=8
).map(lambda drawn: [piece(i, scope, noon(n), account) for i, (scope, n, account) in enumerate(drawn)])


@settings(deadline=None, derandomize=True, database=None)
@given(pieces)
def test_each_version_is_what_was_newest_on_that_date(made: list[SliceRow]) -> None:
    found = {
        on: {row.delivery for row in speaking} for _, _, on, speaking in versions(made, lambda row: "all")
    }
    assert set(found) == {row.as_of for row in made}
    for on, speaking in found.items():
        assert speaking == {row.delivery for row in newest([row for row in made if row.as_of <= on])}


def test_groups_have_versions_of_their_own() -> None:
    made = [piece(1, FULL, noon(1)), piece(2, FULL, noon(2), account="2"), piece(3, FULL, noon(3), on=day(1))]
    found = sorted(
        (key, on, [r.delivery for r in rows]) for key, _, on, rows in versions(made, lambda row: row.account)
    )
    assert found == [("1", day(1), [1]), ("1", day(3), [3]), ("2", day(2), [2])]
