"""What became of forecasts: counted from reports, and only when every account has told."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from dco.jobs.foretell import _outcome, _Seen
from dco.store.forecasts import Forecast

DAY = date(2026, 3, 2)


def cell(impressions: int, clicks: int) -> dict[str, int]:
    return {
        "impressions": impressions,
        "clicks": clicks,
        "conversions": clicks // 10,
        "revenue_micros": clicks * 2_000_000,
    }


def seen(complete: date | None, winner: int = 30) -> _Seen:
    days = [DAY + timedelta(days=i) for i in range(7)]
    arms = {
        ("one", name, d): cell(1_000, clicks)
        for d in days
        for name, clicks in (("dcoa", winner), ("dcob", 20))
    }
    whole = {("one", d): {k: float(v) for k, v in cell(2_000, winner + 20).items()} for d in days}
    return _Seen(arms, whole, complete)


def said(name: str, subject: str = "one/dcoa") -> Forecast:
    return Forecast(1, DAY, subject, name, 0.5, DAY + timedelta(days=9), None)


def outcome(name: str, known: _Seen, subject: str = "one/dcoa") -> float | None:
    return _outcome(said(name, subject), known, None, None, DAY + timedelta(days=9))


def test_a_days_rate_a_winner_and_a_gain_are_what_the_reports_count() -> None:
    known = seen(DAY + timedelta(days=8))
    assert outcome("day.mid.clicks", known, "one") == pytest.approx(50 / 2_000)
    assert outcome("day.mid.revenue", known, "one") == pytest.approx(100 / 2_000)
    assert outcome("beats.p.clicks", known) == 1.0
    assert outcome("beats.p.clicks", known, "one/dcob") == 0.0
    assert outcome("gain.mid.clicks", known) == pytest.approx(0.5)


def test_nothing_is_judged_before_every_account_has_reported_the_last_day() -> None:
    known = seen(DAY + timedelta(days=5))
    assert outcome("beats.p.clicks", known) is None
    assert outcome("day.mid.clicks", known, "one") is not None
    assert outcome("day.mid.clicks", seen(None), "one") is None


def test_an_arm_that_was_not_served_and_a_loss_without_a_model_stay_open() -> None:
    known = seen(DAY + timedelta(days=8))
    assert outcome("beats.p.clicks", known, "one/dcogone") is None
    assert outcome("loss.mid.clicks", known) is None
    assert outcome("day.mid.clicks", known, "elsewhere") is None
