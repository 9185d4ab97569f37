"""Every platform format keeps one contract: its samples become exactly what lies beside them, however they are spelt.

A sample is a real-shaped file `tests/data/reports/<format>/x.csv`; `x.csv.expected.json` states its totals as they were
summed from the numbers the sample was made of, not by the reader.
"""

from __future__ import annotations

import gzip
import json
import random
import runpy
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dco import registry, schemas
from dco.errors import BadReport, DcoError
from dco.platforms.read import read_delivery, read_report, recognise
from dco.platforms.summary import summarise

REPORTS = Path(__file__).parents[1] / "data" / "reports"
ARRIVED = datetime(2026, 10, 2, 3, tzinfo=UTC)
FORMATS = registry.names("formats")
SAMPLES = sorted(
    p for p in REPORTS.glob("*/*") if p.parent.name in FORMATS and not p.name.endswith(".expected.json")
)
TABLES = [p for p in SAMPLES if p.suffix == ".csv"]


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def read(name: str, data: bytes) -> pa.Table:
    return read_delivery(name, data, arrived=ARRIVED).rows


def facts(rows: pa.Table) -> list[dict]:  # type: ignore[type-arg]
    """Rows as a sorted list without their line numbers."""
    return sorted(rows.drop_columns(["line"]).to_pylist(), key=str)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_sample(name: str) -> None:
    assert any(p.parent.name == name for p in SAMPLES), f"put a sample into tests/data/reports/{name}"


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_what_it_is(name: str) -> None:
    part = registry.load("formats", name)
    assert part.name == name
    assert part.meaning
    assert part.layouts


@pytest.mark.parametrize("path", SAMPLES, ids=named)
def test_a_sample_becomes_what_lies_beside_it(path: Path) -> None:
    expected = json.loads(path.with_name(path.name + ".expected.json").read_text())
    data = path.read_bytes()
    assert recognise(path.name, data) == expected["format"]
    delivery = read_delivery(path.name, data, arrived=ARRIVED)
    rows, found = delivery.rows, summarise(delivery)

    def money(micros: int | None) -> Decimal | None:
        return None if micros is None else Decimal(micros) / 1_000_000

    def exact(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    for key in ("platform", "currency", "account", "scope", "rows", "impressions", "clicks"):
        assert getattr(found, key) == expected[key], key
    assert (found.first_day.isoformat(), found.last_day.isoformat()) == (
        expected["first_day"],
        expected["last_day"],
    )
    assert money(found.spend_micros) == exact(expected["spend"])
    assert money(found.revenue_micros) == exact(expected["revenue"])
    assert found.conversions == exact(expected["conversions"])
    assert sorted(pc.unique(pc.drop_null(rows["arm_id"])).to_pylist()) == expected["arm_ids"]
    assert sorted(pc.unique(pc.drop_null(rows["ad_id"])).to_pylist()) == expected["ad_ids"]
    if "lines" in expected:
        assert rows["line"].to_pylist() == expected["lines"]
    assert delivery.stamp == datetime.fromisoformat(expected.get("stamp", ARRIVED.isoformat()))


@pytest.mark.parametrize("path", SAMPLES, ids=named)
def test_rows_have_the_one_schema(path: Path) -> None:
    rows = read_report(path)
    assert rows.schema.equals(schemas.REPORT)
    rows.validate(full=True)
    for field in schemas.REPORT:
        assert field.nullable or rows[field.name].null_count == 0


@pytest.mark.parametrize("path", TABLES, ids=named)
def test_the_order_of_rows_changes_nothing(path: Path) -> None:
    data = path.read_bytes()
    rows = read(path.name, data)
    encoding = "utf-16" if data[:2] == b"\xff\xfe" else "cp1252" if "cp1252" in path.name else "utf-8"
    records = data.decode(encoding).split("\n")
    at = [n - 1 for n in rows["line"].to_pylist()]
    if "line\nbreak" in "".join(rows["ad"].drop_null().to_pylist()):
        at = at[:-1]  # its last row spans two physical lines
    shuffled = at[:]
    random.Random(7).shuffle(shuffled)
    moved = records[:]
    for here, there in zip(at, shuffled):
        moved[here] = records[there]
    assert facts(read(path.name, "\n".join(moved).encode(encoding))) == facts(rows)


@pytest.mark.parametrize("path", TABLES, ids=named)
def test_another_spelling_of_the_same_file_changes_nothing(path: Path) -> None:
    data = path.read_bytes()
    encoding = "utf-16" if data[:2] == b"\xff\xfe" else "cp1252" if "cp1252" in path.name else "utf-8-sig"
    text = data.decode(encoding).replace("\r\n", "\n")
    wanted = read(path.name, data)
    spellings = {
        "utf-8": text.encode(),
        "utf-8 with a byte order mark": text.encode("utf-8-sig"),
        "utf-16le": b"\xff\xfe" + text.encode("utf-16-le"),
        "utf-16be": b"\xfe\xff" + text.encode("utf-16-be"),
        "no line end at the end": text.rstrip("\n").encode(),
        "packed": gzip.compress(data),
    }
    if "line\nbreak" not in text:
        spellings["windows line ends"] = text.replace("\n", "\r\n").encode()
    for name, spelling in spellings.items():
        assert read(path.name, spelling).equals(wanted), name


@pytest.mark.parametrize("path", SAMPLES, ids=named)
def test_a_file_cut_short_never_becomes_more_than_it_was(path: Path) -> None:
    """At every fiftieth: refused, or (cut between rows, total row lost) rows that were in the whole file."""
    data = path.read_bytes()
    whole = facts(read(path.name, data))
    for part in range(50):
        cut = data[: len(data) * part // 50]
        try:
            rows = facts(read(path.name, cut))
        except BadReport:
            continue
        odd = [r for r in rows if r not in whole]
        assert len(odd) <= 1, "only the row in which the cut fell may differ"


@pytest.mark.parametrize("path", SAMPLES, ids=named)
def test_damaged_bytes_end_in_rows_or_one_clear_line(path: Path) -> None:
    rng = random.Random(path.name)
    data = path.read_bytes()
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            at = rng.randrange(len(damaged))
            match rng.randrange(4):
                case 0:
                    damaged[at] ^= 1 << rng.randrange(8)
                case 1:
                    damaged[at] = rng.choice(b'",;\n\r\t\0-.%\xff\xc3 9')
                case 2:
                    del damaged[at : at + rng.choice((1, 3, 40))]
                case _:
                    damaged[at:at] = damaged[at : at + 30]
            if not damaged:
                break
        try:
            read(path.name, bytes(damaged))
        except DcoError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 1200


@pytest.mark.parametrize("path", TABLES, ids=named)
def test_a_file_twice_in_a_row_reads_the_same(path: Path) -> None:
    data = path.read_bytes()
    assert read(path.name, data).equals(read(path.name, data))


def test_the_samples_are_what_their_numbers_make(tmp_path: Path) -> None:
    """Nobody edits a sample by hand: `python tests/data/reports/make.py` writes them all."""
    runpy.run_path(str(REPORTS / "make.py"))["make"](tmp_path)
    made = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    kept = {
        p.relative_to(REPORTS): p.read_bytes() for p in REPORTS.glob("*/*") if p.parent.name != "__pycache__"
    }
    assert {k for k in made if made[k] != kept.get(k) and k.suffix != ".gz"} == set()
    assert set(made) == set(kept)
