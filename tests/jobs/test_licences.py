"""Nothing goes live under a licence that nobody read, or that forbids it; the night goes on without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_pipelines import add_controlnet, add_lora, scratch, tiny_stable_diffusion

from dco.errors import BadCampaign, BadModel, Unlicensed
from dco.generate.backends.procedural import Backend
from dco.generate.wire import warm
from dco.jobs import draft
from dco.jobs import licences as gate
from dco.jobs.deliver import write_sheet
from dco.jobs.desk import open_desk
from dco.jobs.nightly import nightly
from dco.jobs.pictures import backend_of
from dco.jobs.publish import publish_arms
from dco.jobs.simulated import morning
from dco.jobs.status import status
from dco.records import Copy, Creative, Genome
from dco.reports.plain import status_text
from dco.settings import load_campaign
from dco.store import licences
from dco.store.arms import ArmRow, arms
from tests.jobs.test_any_checkpoint import with_checkpoint
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


@pytest.fixture(scope="module")
def parts() -> Path:
    """A ControlNet and a LoRA adapter for the tiny checkpoint, in folders net/ and look/."""
    folder = scratch()
    add_controlnet(tiny_stable_diffusion(), folder / "net")
    add_lora(tiny_stable_diffusion(), folder / "look")
    return folder


def with_parts(folder: Path, parts: Path, *more: str) -> Path:
    for name in ("net", "look"):
        (parts / name / "LICENSE.json").unlink(missing_ok=True)
    options = f"options: {{controlnet: {parts / 'net'}, adapters: 'look={parts / 'look'}'}}"
    warm.cache_clear()
    return with_checkpoint(
        folder, tiny_stable_diffusion(), "".join(f"  {line}\n" for line in (options, *more))
    )


def record(part: Path, licence: str) -> None:
    (part / "LICENSE.json").write_text(json.dumps({"license": licence}), encoding="utf-8")


def test_each_part_of_a_model_that_has_no_licence_is_told_in_one_line_with_the_way_out(
    parts: Path, tmp_path: Path
) -> None:
    campaign = load_campaign(with_parts(tmp_path / "c", parts))
    net, look = gate.shortcomings(campaign)
    assert net.startswith("controlnet of model ") and look.startswith("look of model ")
    for line, name in ((net, "controlnet"), (look, "look")):
        assert "no licence record" in line and f"model.part_licenses: {{{name}: ID}}" in line
        assert "\n" not in line
    record(parts / "net", "Apache-2.0")
    record(parts / "look", "CC-BY-NC-4.0")
    (only,) = gate.shortcomings(campaign)
    assert only.startswith("look of model ") and "CC-BY-NC-4.0, which forbids commercial use" in only


def test_the_campaign_file_stands_in_for_a_part_s_missing_record_and_never_against_it(
    parts: Path, tmp_path: Path
) -> None:
    both = "part_licenses: {controlnet: OpenRAIL, look: LicenseRef-Own}"
    campaign = load_campaign(with_parts(tmp_path / "c", parts, both))
    assert gate.shortcomings(campaign) == []
    assert [(row.licence, row.source) for row in gate.current(campaign)] == [
        ("Apache-2.0", ""), ("OpenRAIL", "campaign file"), ("LicenseRef-Own", "campaign file"),
    ]  # fmt: skip
    record(parts / "look", "Apache-2.0")
    with pytest.raises(BadModel, match=r"look: its LICENSE.json says 'Apache-2.0', .* says 'LicenseRef-Own'"):
        gate.shortcomings(campaign)
    unknown = load_campaign(with_parts(tmp_path / "u", parts, "part_licenses: {lok: MIT}"))
    with pytest.raises(BadCampaign, match=r"line \d+, model.part_licenses: .*did you mean 'look'"):
        gate.shortcomings(unknown)


def test_a_file_s_record_lies_beside_it_unless_it_may_mean_another(parts: Path, tmp_path: Path) -> None:
    def told() -> list[str]:
        warm.cache_clear()
        file = with_checkpoint(
            tmp_path / str(len(list(tmp_path.iterdir()))),
            tiny_stable_diffusion(),
            f"  options: {{adapters: 'look={weights}'}}\n",
        )
        return [row.licence for row in gate.current(load_campaign(file))]

    (weights,) = (parts / "look").glob("*.safetensors")
    record(parts / "look", "MIT")
    assert told() == ["Apache-2.0", "MIT"]
    other = weights.with_name("other.safetensors")
    other.write_bytes(weights.read_bytes())
    assert told() == ["Apache-2.0", ""]
    other.unlink()


def test_an_ad_goes_live_only_when_every_part_of_its_model_may(parts: Path, tmp_path: Path) -> None:
    file, now = with_parts(tmp_path / "c", parts), morning(0, ZONE)
    with open_desk(file) as desk:
        model = backend_of(desk.campaign).model_id
        ad = Creative(
            "dco" + "0" * 16, "s", Genome(()), Copy("a", "", "b"), "https://a.example", {}, model=model
        )
        row = ArmRow(ad, "approved", False, None, now, "", "", "")
        with desk.workspace.write() as conn:
            gate.keep(conn, desk, now=now)
            with pytest.raises(Unlicensed, match=r"^controlnet of model .*; and 1 more, see `dco check`$"):
                gate.require(conn, desk, [row], now=now)
            record(parts / "net", "MIT")
            with pytest.raises(Unlicensed, match=r"^look of model [^;]*no licence record"):
                gate.require(conn, desk, [row], now=now)
            record(parts / "look", "MIT")
            gate.require(conn, desk, [row], now=now)
            assert [r.licence for r in licences.of_campaign(conn, desk.campaign.key).values()] == [
                "Apache-2.0", "MIT", "MIT",
            ]  # fmt: skip
