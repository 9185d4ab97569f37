"""The name that every platform reports back, and the sheet that carries it out."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dco.errors import BadData, Refused
from dco.platforms.names import AdName, ad_name, found_in, parse_ad_name
from dco.platforms.sheets import EDITOR_HEADER, google_ads_editor

ARM = "dco0123456789abcdef"
parts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="|"),
    min_size=1,
    max_size=20,
).filter(lambda t: t == t.strip())
arms = st.integers(0, 2**64 - 1).map(lambda i: f"dco{i:016x}")
sizes = st.tuples(st.integers(1, 9999), st.integers(1, 9999)).map(lambda s: f"{s[0]}x{s[1]}")


def ad(**changes: object) -> dict[str, object]:
    base = {"campaign": "spring", "ad_group": "hikers", "segment": "hikers", "arm_id": ARM, "size": "300x250", "image": "a.png",
            "final_url": "https://shop.example/p", "status": "Enabled", "share": 0.25}  # fmt: skip
    return {**base, **changes}


@given(parts, parts, arms, sizes)
def test_a_name_comes_back_in_its_parts(campaign: str, segment: str, arm: str, size: str) -> None:
    name = ad_name(campaign, segment, arm, size)
    assert parse_ad_name(name) == AdName(campaign, segment, arm, size)
    found_arm, found_size = found_in(pa.array([name]))
    if "dco" not in campaign + segment:
        assert (found_arm.to_pylist(), found_size.to_pylist()) == ([arm], [size])


@given(st.text(max_size=40))
def test_other_peoples_names_are_nobodys_arm(name: str) -> None:
    assert parse_ad_name(name) is None


@pytest.mark.parametrize(
    "bad",
    [
        ("", "s", ARM, "1x1"),
        ("a|b", "s", ARM, "1x1"),
        ("a", "s\n", ARM, "1x1"),
        ("a", "s", "dco12", "1x1"),
        ("a", "s", ARM, "0x1"),
        (" a", "s", ARM, "1x1"),
    ],
)
def test_a_name_that_would_not_come_back_is_refused(bad: tuple[str, str, str, str]) -> None:
    with pytest.raises(BadData):
        ad_name(*bad)


def test_a_sheet_lists_every_ad_under_english_headers() -> None:
    sheet = google_ads_editor([ad(), ad(size="728x90", image="b.png", status="Paused", share=None)])
    rows = list(csv.DictReader(io.StringIO(sheet.text)))
    assert tuple(rows[0]) == EDITOR_HEADER
    assert rows[0]["Ad name"] == f"spring|hikers|{ARM}|300x250"
    assert rows[0]["Labels"] == "dco share 25.0%"
    assert [r["Status"] for r in rows] == ["Enabled", "Paused"]
    assert sheet.changes == (
        f"added {ARM} 300x250 in hikers, enabled, share 25.0%",
        f"added {ARM} 728x90 in hikers, paused",
    )


def test_the_difference_to_the_last_sheet_is_told_in_words() -> None:
    other = "dco" + "f" * 16
    last = google_ads_editor([ad(), ad(size="728x90"), ad(arm_id=other)])
    now = google_ads_editor(
        [ad(), ad(size="728x90", share=0.5), ad(arm_id="dco" + "1" * 16, status="Paused", share=None)],
        last.text,
    )
    assert now.changes == (
        f"changed {ARM} 728x90 in hikers: Labels dco share 25.0% -> dco share 50.0%",
        f"added dco{'1' * 16} 300x250 in hikers, paused",
        f"paused {other} 300x250 in hikers: no longer in the decision",
        "unchanged: 1 ad",
    )
    rows = {r["Ad name"]: r["Status"] for r in csv.DictReader(io.StringIO(now.text))}
    assert rows[f"spring|hikers|{other}|300x250"] == "Paused"
    later = google_ads_editor([ad()], google_ads_editor([ad()], now.text).text)
    assert other not in later.text, "an ad that was paused by an earlier sheet is not listed for ever"


def test_a_paused_ad_loses_its_share_label() -> None:
    sheet = google_ads_editor([ad(status="Paused", share=None)])
    assert next(csv.DictReader(io.StringIO(sheet.text)))["Labels"] == "[]"


def test_the_same_decision_twice_changes_nothing() -> None:
    first = google_ads_editor([ad(), ad(size="728x90")])
    again = google_ads_editor([ad(), ad(size="728x90")], first.text)
    assert again.text == first.text
    assert again.changes == ("unchanged: 2 ads",)


def test_pausing_and_enabling_are_called_by_name() -> None:
    first = google_ads_editor([ad()])
    paused = google_ads_editor([ad(status="Paused", share=None)], first.text)
    assert paused.changes[0].startswith(f"paused {ARM} 300x250")
    assert google_ads_editor([ad()], paused.text).changes[0].startswith(f"enabled {ARM} 300x250")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
@pytest.mark.parametrize("column", ["campaign", "ad_group", "image"])
def test_a_value_like_a_formula_is_refused_not_altered(start: str, column: str) -> None:
    with pytest.raises((Refused, BadData)):
        google_ads_editor([ad(**{column: start + "SUM(A1)"})])


def test_arrow_rows_do_as_well() -> None:
    assert google_ads_editor(pa.Table.from_pylist([ad()])).text == google_ads_editor([ad()]).text


@pytest.mark.parametrize(
    "changes", [{"status": "Removed"}, {"share": 1.5}, {"final_url": "javascript:x"}, {"image": None}]
)
def test_an_ad_that_lacks_something_is_named(changes: dict[str, object]) -> None:
    with pytest.raises(BadData, match="ad 1 of the sheet"):
        google_ads_editor([ad(**changes)])


def test_one_ad_twice_is_refused() -> None:
    with pytest.raises(BadData, match="stands twice"):
        google_ads_editor([ad(), ad()])


def test_a_previous_sheet_of_somebody_else_is_refused() -> None:
    with pytest.raises(BadData, match="not one that dco wrote"):
        google_ads_editor([ad()], "Campaign,Status\nx,Enabled\n")
