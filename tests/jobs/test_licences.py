"""Nothing goes live under a licence that nobody read, or that forbids it; the night goes on without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dco.errors import BadCampaign, Unlicensed
from dco.generate.backends.procedural import Backend
from dco.generate.wire import warm
from dco.jobs import draft
from dco.jobs.deliver import write_sheet
from dco.jobs.desk import open_desk
from dco.jobs.nightly import nightly
from dco.jobs.publish import publish_arms
from dco.jobs.simulated import morning
from dco.jobs.status import status
from dco.reports.plain import status_text
from dco.settings import load_campaign
from dco.store import licences
from dco.store.arms import arms
from tests.journeys.campaigns import small

ZONE = "Europe/Berlin"


@pytest.fixture
def terms(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What the drawing backend says about its licence, for a test to change."""
    told = {"license": "not stated"}
    started = Backend.__init__

    def init(self: Backend) -> None:
        started(self)
        self.license = told

    monkeypatch.setattr(Backend, "__init__", init)
    warm.cache_clear()
    yield told
    warm.cache_clear()


def stated(file: Path, line: str) -> None:
    file.write_text(
        file.read_text(encoding="utf-8").replace("\nmodel:\n", f"\nmodel:\n  {line}\n"), encoding="utf-8"
    )


def test_a_model_without_a_record_drafts_but_its_night_publishes_nothing(
    terms: dict[str, str], tmp_path: Path
) -> None:
    file = small(tmp_path / "campaign")
    with open_desk(file) as desk:
        draft.start(desk, now=morning(-1, ZONE))
        night = nightly(file, now=morning(0, ZONE))
        assert night.version is None and "sheet" not in night.outputs and "report" in night.outputs
        assert any("has no licence record" in line and "dco model add" in line for line in night.alerts)
        with desk.workspace.read() as conn:
            first = arms(conn, desk.campaign.key)[0].arm_id
        with pytest.raises(Unlicensed, match="no licence record"):
            publish_arms(desk, [first], now=morning(0, ZONE))
    stated(file, "license: LicenseRef-Studio")
    with open_desk(file) as desk:
        night = nightly(file, now=morning(1, ZONE))
        assert night.version == 1 and "sheet" in night.outputs and not night.alerts
        with desk.workspace.read() as conn:
            (kept,) = licences.of_campaign(conn, desk.campaign.key).values()
    assert (kept.licence, kept.source, kept.commercial) == ("LicenseRef-Studio", "campaign file", "unknown")


def test_a_non_commercial_model_goes_live_only_by_name_and_reason(
    terms: dict[str, str], tmp_path: Path
) -> None:
    terms["license"] = "CC-BY-NC-4.0"
    file = small(tmp_path / "campaign")
    with open_desk(file) as desk:
        draft.start(desk, now=morning(-1, ZONE))
        assert any("forbids commercial use" in line for line in nightly(file, now=morning(0, ZONE)).alerts)
    stated(
        file,
        "license_override: {license: CC-BY-NC-4.0, by: Jane Doe, reason: 'written permission, 2026-02-01'}",
    )
    with open_desk(file) as desk:
        assert nightly(file, now=morning(1, ZONE)).version == 1
        with desk.workspace.read() as conn:
            (kept,) = licences.of_campaign(conn, desk.campaign.key).values()
        assert kept.note == "non-commercial, overridden by Jane Doe: written permission, 2026-02-01"
    plain = file.read_text(encoding="utf-8").replace("license: CC-BY-NC-4.0", "license: CC-BY-NC-3.0")
    file.write_text(plain, encoding="utf-8")
    with open_desk(file) as desk, pytest.raises(Unlicensed, match=r"CC-BY-NC-4.0, which forbids"):
        write_sheet(desk, 1, now=morning(2, ZONE))


def test_an_override_without_a_reason_is_refused_with_its_line(tmp_path: Path) -> None:
    file = small(tmp_path / "campaign")
    stated(file, "license_override: {license: X, by: Jane Doe}")
    with pytest.raises(BadCampaign, match=r"line \d+, model.license_override.reason: is missing"):
        load_campaign(file)


def test_the_report_and_the_status_say_what_pictures_took_and_under_which_licence_they_are(
    tmp_path: Path,
) -> None:
    file = small(tmp_path / "campaign")
    with open_desk(file) as desk:
        made = draft.start(desk, now=morning(-1, ZONE))
        again = draft.start(desk, now=morning(-1, ZONE))
        nightly(file, now=morning(0, ZONE))
        state = status(desk, now=morning(0, ZONE)).state
        assert made.pictures and not again.pictures
        night, whole = dict(state.making)["last night"], dict(state.making)["in all"]
        assert whole.made == whole.unpriced == made.pictures + night.made and not whole.refused
        assert whole.seconds == pytest.approx(made.seconds + night.seconds)
        assert whole.watt_hours and not whole.money
        page = (desk.outbox / "report.html").read_text(encoding="utf-8")
    text = status_text(state)
    assert f"in all: {whole.made} pictures made" in text
    assert "Wh (estimate); price not known" in text
    assert "Apache-2.0; commercial use yes" in page and "Wh (estimate); price not known" in page
