from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from dco import registry
from dco.errors import BadInput, UnknownName
from dco.jobs.bench import Options, Row, as_dict, facts, run, table


def rows() -> list[Row]:
    return [
        Row.faster("met", 0.1, 0.25, "images/s", 2.0),
        Row.faster("missed", 0.1, 0.15, "images/s", 2.0, "a note"),
        Row.faster("known", 0.1, 0.1, "images/s"),
    ]


def test_a_row_compares_speeds_and_says_whether_the_target_is_met() -> None:
    met, missed, known = rows()
    assert (met.value, met.against, met.ratio, met.ok) == (10, 4, 2.5, True)
    assert missed.ok is False and missed.target == ">= 2x"
    assert known.ok is None and known.target == ""


def test_the_table_has_a_line_a_row_and_marks_what_is_missed() -> None:
    lines = table(rows()).splitlines()
    assert len(lines) == 4
    assert re.search(r"2\.50x\s+>= 2x\s+yes$", lines[1])
    assert re.search(r"1\.50x\s+>= 2x\s+NO  \(a note\)$", lines[2])


def test_programs_get_the_same_as_json() -> None:
    body = json.loads(json.dumps(as_dict("generate", rows())))
    assert set(body["rows"][0]) >= {"name", "value", "unit", "against", "ratio", "target", "ok"}
    assert body["machine"]["cores"] >= 1 and body["machine"]["numpy"] == facts()["numpy"]


def test_what_cannot_be_run_is_one_line() -> None:
    with pytest.raises(UnknownName, match="generate"):
        run("generte", Options())
    with pytest.raises(BadInput, match="1 or more"):
        Options(repeats=0)
    with pytest.raises(BadInput, match="cpu or cuda"):
        Options(device="tpu")
    assert "generate" in registry.names("benches")


@pytest.fixture(scope="module")
def embedded() -> Iterator[object]:
    from dco.generate.benchmarks.embedded import Embedded

    yield Embedded()


def test_the_fast_path_draws_the_plain_loops_pictures(embedded: object) -> None:
    """On the weights that ship: steps, guidance and mathematics are the same, only the time is not."""
    ours, plain, far = embedded.copies(128, 1)  # type: ignore[attr-defined]
    assert ours > 0 and plain > 0
    assert far < 0.05


def test_company_and_order_change_no_value_on_the_weights_that_ship(embedded: object) -> None:
    company, _ = embedded.differing_values()  # type: ignore[attr-defined]
    assert company == 0
