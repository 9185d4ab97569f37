"""I1, I2, I3: every row counts once, the newest delivery of a slice wins, a file is applied whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from dco.errors import BadData, BadReport
from dco.records import Delivery
from dco.schemas import REPORT
from dco.store import ledger
from dco.store.workspace import Workspace

from .conftest import Opener, dump
from .examples import DAY, day, delivery, noon, report, row


def apply_all(
    workspace: Workspace, deliveries: Sequence[Delivery], arrivals: Sequence[datetime] = ()
) -> list[ledger.Applied]:
    arrivals = arrivals or [noon(400 + i) for i in range(len(deliveries))]
    results = []
    for made, arrived in zip(deliveries, arrivals):
        with workspace.write() as conn:
            results.append(ledger.apply(conn, made, arrived))
    return results


def impressions(workspace: Workspace, as_of: date | None = None) -> list[tuple[date, int]]:
    with workspace.read() as conn:
        table = ledger.known(conn, as_of=as_of)
    return sorted(zip(table["day"].to_pylist(), table["impressions"].to_pylist()))


def test_rows_come_back_exactly_as_they_were_read(workspace: Workspace) -> None:
    said = row(
        DAY, 10**12, clicks=3, conversions="0.333333", revenue_micros=-5, spend_micros=1, viewable=0, line=9,
        campaign_id="007", campaign='Spring, "big"', ad_group_id="", ad_group="Zürich 🌍", ad_id="1\n2", ad="x dco0", size="300x250",
    )  # fmt: skip
    silent = row(DAY, 0, line=10, currency=None)
    made = delivery([said, silent], stamp=noon(1))
    apply_all(workspace, [made])
    with workspace.read() as conn:
        table = ledger.known(conn)
    assert table.schema == REPORT
    assert table.equals(made.rows)
    assert table["conversions"][0].as_py() == Decimal("0.333333")


def test_a_restatement_replaces_and_never_adds(workspace: Workspace) -> None:
    first = delivery([row(day(0), 100), row(day(1), 50), row(day(1), 7)], stamp=noon(2))
    second = delivery([row(day(1), 60)], stamp=noon(3))
    results = apply_all(workspace, [first, second])
    assert results[0] == ledger.Applied("applied", 3, (day(0), day(1)), 0)
    assert results[1] == ledger.Applied("applied", 1, (day(1),), 2)
    assert impressions(workspace) == [(day(0), 100), (day(1), 60)]


def test_the_same_bytes_under_another_name_change_nothing(workspace: Workspace) -> None:
    made = delivery([row(DAY, 5)], stamp=noon(1))
    apply_all(workspace, [made])
    before = dump(workspace)
    renamed = Delivery(
        **{n: getattr(made, n) for n in made.__slots__} | {"source": "copy (1).csv", "stamp": noon(9)}
    )
    assert apply_all(workspace, [renamed]) == [ledger.Applied("duplicate", 0, (), 0)]
    assert dump(workspace) == before


def test_an_old_file_that_comes_late_changes_nothing_now_known(workspace: Workspace) -> None:
    new, old = delivery([row(DAY, 60)], stamp=noon(3)), delivery([row(DAY, 50)], stamp=noon(2))
    results = apply_all(workspace, [new, old])
    assert results[1] == ledger.Applied("stale", 1, (), 0)
    assert impressions(workspace) == [(DAY, 60)]
    assert impressions(workspace, as_of=day(2)) == [(DAY, 50)]  # but that is what was known then


def test_a_day_that_a_newer_file_covers_without_rows_is_empty(workspace: Workspace) -> None:
    first = delivery([row(day(0), 100), row(day(1), 50)], stamp=noon(2))
    second = delivery([row(day(0), 100)], stamp=noon(3), last_day=day(1))
    assert apply_all(workspace, [first, second])[1] == ledger.Applied("applied", 1, (day(0), day(1)), 2)
    assert impressions(workspace) == [(day(0), 100)]


def test_a_filtered_file_neither_replaces_nor_adds_to_a_full_one(workspace: Workspace) -> None:
    full = delivery([row(day(0), 100)], stamp=noon(2))
    filtered = delivery([row(day(0), 30), row(day(1), 5)], stamp=noon(3), scope="campaign = Spring")
    results = apply_all(workspace, [full, filtered])
    assert results[1] == ledger.Applied("applied", 2, (day(1),), 0)
    assert impressions(workspace) == [(day(0), 100), (day(1), 5)]


def test_a_full_file_takes_the_place_of_filtered_ones(workspace: Workspace) -> None:
    parts = [delivery([row(DAY, n)], stamp=noon(3), scope=f"campaign = {n}") for n in (1, 2)]
    apply_all(workspace, parts)
    assert impressions(workspace) == [(DAY, 1), (DAY, 2)]
    full = delivery([row(DAY, 9)], stamp=noon(1))
    assert apply_all(workspace, [full])[0] == ledger.Applied("applied", 1, (DAY,), 2)
    assert impressions(workspace) == [(DAY, 9)]


def test_accounts_and_platforms_do_not_replace_each_other(workspace: Workspace) -> None:
    apply_all(
        workspace,
        [
            delivery([row(DAY, 1)], stamp=noon(1)),
            delivery([row(DAY, 2)], stamp=noon(2), account="2"),
            delivery([row(DAY, 3)], stamp=noon(3), platform="meta"),
        ],
    )
    assert impressions(workspace) == [(DAY, 1), (DAY, 2), (DAY, 3)]


def test_of_two_files_with_one_stamp_the_later_arrival_wins(workspace: Workspace) -> None:
    morning = delivery([row(DAY, 1)], stamp=noon(1), name="morning")
    evening = delivery([row(DAY, 2)], stamp=noon(1), name="evening")
    apply_all(workspace, [evening, morning], [noon(3), noon(2)])
    assert impressions(workspace) == [(DAY, 2)]


def test_the_as_of_date_is_that_of_the_accounts_zone(workspace: Workspace) -> None:
    """01:00 UTC on the 2nd is still the evening of the 1st in New York."""
    made = delivery([row(DAY, 1)], stamp=datetime(2026, 3, 2, 1, tzinfo=UTC), zone="America/New_York")
    apply_all(workspace, [made])
    assert impressions(workspace, as_of=DAY) == [(DAY, 1)]


def test_what_a_past_run_saw_can_be_rebuilt_though_old_files_came_later(workspace: Workspace) -> None:
    apply_all(workspace, [delivery([row(DAY, 1)], stamp=noon(2))], [noon(2)])
    with workspace.read() as conn:
        saw = ledger.known(conn)
    apply_all(workspace, [delivery([row(day(1), 7)], stamp=noon(1))], [noon(5)])
    with workspace.read() as conn:
        assert ledger.known(conn, arrived_by=noon(3)).equals(saw)
        assert ledger.known(conn).num_rows == 2


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("outside of", {"first_day": day(1), "last_day": day(2)}),
        ("ends before", {"first_day": day(1), "last_day": day(0)}),
        ("more than", {"first_day": date(1, 1, 1)}),
        ("zone", {"zone": "Europe/Nowhere"}),
        ("scope", {"scope": ""}),
        ("64 hex", {"sha256": "../../etc"}),
        ("after its arrival", {"stamp": noon(999)}),
        ("another account", {"rows": report([row(DAY, 1, account="2")])}),
        ("zero byte", {"rows": report([row(DAY, 1, ad="a\x00b")])}),
        ("lack the columns", {"rows": report([]).drop_columns(["clicks"])}),
    ],
)
def test_a_refused_file_leaves_every_table_as_it_was(
    workspace: Workspace, problem: str, said: dict[str, object]
) -> None:
    apply_all(workspace, [delivery([row(DAY, 5)], stamp=noon(1))])
    before = dump(workspace)
    bad = delivery([row(DAY, 6, line=17)], **{"stamp": noon(2)} | said)  # type: ignore[arg-type]
    with pytest.raises(BadReport, match=problem):
        apply_all(workspace, [bad])
    assert dump(workspace) == before


def test_a_bad_row_is_named_by_its_line(workspace: Workspace) -> None:
    with pytest.raises(BadReport, match="line 17"):
        apply_all(
            workspace, [delivery([row(DAY, 6, line=17)], stamp=noon(1), first_day=day(-3), last_day=day(-2))]
        )


def test_rows_that_are_not_report_rows_are_refused(workspace: Workspace) -> None:
    rows = report([row(DAY, 1)])
    nulls = rows.set_column(rows.schema.get_field_index("clicks"), "clicks", pa.array([None], pa.int64()))
    with pytest.raises(BadData, match="not schemas"):
        apply_all(workspace, [delivery([row(DAY, 1)], stamp=noon(1), rows=nulls)])


def test_freshness_names_last_day_and_newest_file(workspace: Workspace) -> None:
    new = delivery([row(day(1), 60)], stamp=noon(3), last_day=day(2))
    old = delivery([row(day(0), 50)], stamp=noon(2))
    apply_all(workspace, [new, old], [noon(3), noon(5)])
    with workspace.read() as conn:
        sources = tuple(sorted((new.sha256, old.sha256)))
        assert ledger.freshness(conn) == [
            ledger.Freshness("google_ads", "1", day(2), noon(3), noon(3), sources)
        ]
        assert ledger.freshness(conn, "a campaign without rows") == []
        assert ledger.freshness(conn, arrived_by=noon(1)) == []


def changed(conn: Connection, since: datetime) -> list[tuple[date, int, int]]:
    table = ledger.changed_since(conn, since)
    return list(zip(*(table[n].to_pylist() for n in ("day", "rows_before", "rows_now"))))


def test_a_restated_day_28_days_back_is_seen_as_changed(workspace: Workspace) -> None:
    days = [row(day(n), 100 + n) for n in range(35)]
    restated = [dict(r) | {"conversions": Decimal("1.000000")} if r["day"] == day(7) else r for r in days]
    first, second = delivery(days, stamp=noon(35)), delivery(restated, stamp=noon(36))
    apply_all(workspace, [first, second], [noon(35), noon(36)])
    with workspace.read() as conn:
        assert changed(conn, noon(35)) == [(day(7), 1, 1)]
        assert changed(conn, noon(36)) == []
        assert len(changed(conn, noon(0))) == 35
        assert ledger.changed_since(conn, day(35)).num_rows == 1


def test_the_same_rows_in_another_order_are_no_change(workspace: Workspace) -> None:
    rows = [row(DAY, 1, ad="a", line=1), row(DAY, 2, ad="b", line=2)]
    again = [row(DAY, 2, ad="b", line=1), row(DAY, 1, ad="a", line=2)]
    apply_all(workspace, [delivery(rows, stamp=noon(1)), delivery(again, stamp=noon(2))], [noon(1), noon(2)])
    with workspace.read() as conn:
        assert changed(conn, noon(1)) == []


def test_a_file_that_arrived_after_the_run_counts_as_changed_whatever_its_stamp(workspace: Workspace) -> None:
    apply_all(workspace, [delivery([row(DAY, 1)], stamp=noon(1))], [noon(9)])
    with workspace.read() as conn:
        assert changed(conn, noon(5)) == [(DAY, 0, 1)]


@st.composite
def delivered(draw: st.DrawFn) -> list[Delivery]:
    """Deliveries of two accounts and three scopes over five days, some covering days without rows."""
    made = []
    for i in range(draw(st.integers(1, 7))):
        first = draw(st.integers(0, 4))
        last = draw(st.integers(first, 4))
        rows = [
            row(day(n), draw(st.integers(0, 9)))
            for n in range(first, last + 1)
            for _ in range(draw(st.integers(0, 2)))
        ]
        stamp = noon(10) + timedelta(hours=draw(st.integers(0, 80)), seconds=i)  # seconds keep stamps apart
        scope, account = draw(st.sampled_from(["full", "a", "b"])), draw(st.sampled_from(["1", "2"]))
        made.append(
            delivery(
                rows,
                stamp=stamp,
                name=str(i),
                scope=scope,
                account=account,
                first_day=day(first),
                last_day=day(last),
            )
        )
    return made


def expected(made: Sequence[Delivery], as_of: date | None) -> list[tuple[str, date, int]]:
    """The oracle, by another route: look back from the newest file for each day, account and scope."""
    found: list[tuple[str, date, int]] = []
    told = sorted(
        (d for d in made if as_of is None or d.stamp.date() <= as_of), key=lambda d: d.stamp, reverse=True
    )
    for account in ("1", "2"):
        for on in (day(n) for n in range(5)):
            covering = [d for d in told if d.account == account and d.first_day <= on <= d.last_day]
            full = [d for d in covering if d.scope == "full"]
            scopes = [full] if full else [[d for d in covering if d.scope == s] for s in ("a", "b")]
            for newest in (files[0] for files in scopes if files):
                found += [(account, on, r["impressions"]) for r in newest.rows.to_pylist() if r["day"] == on]
    return sorted(found)


def seen(workspace: Workspace, as_of: date | None = None) -> list[tuple[str, date, int]]:
    with workspace.read() as conn:
        table = ledger.known(conn, as_of=as_of)
    return sorted(zip(*(table[n].to_pylist() for n in ("account", "day", "impressions"))))


def in_any_order(opener: Opener, examples: int) -> Callable[[], None]:
    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(made=delivered(), data=st.data())
    def check(made: list[Delivery], data: st.DataObject) -> None:
        order = data.draw(st.permutations(made + data.draw(st.lists(st.sampled_from(made), max_size=3))))
        with tempfile.TemporaryDirectory() as folder, opener(Path(folder)) as workspace:
            apply_all(workspace, order)
            assert seen(workspace) == expected(made, None)
            as_of = data.draw(st.sampled_from([day(n) for n in range(9, 16)]))
            assert seen(workspace, as_of) == expected(made, as_of)

    return check


def test_any_order_of_deliveries_ends_in_the_newest_of_each(
    opener: Opener, request: pytest.FixtureRequest
) -> None:
    in_any_order(opener, 60 if "sqlite" in request.node.name else 12)()
