"""Earlier campaigns of a workspace inform a new one when, and only when, its file names them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dco.errors import BadCampaign
from dco.jobs import earlier
from dco.jobs.decide import decide
from dco.jobs.desk import Desk, open_desk
from dco.store import arms, ledger
from tests.journeys.campaigns import small
from tests.store.examples import creative, day, delivery, noon, row

SCENES = ("marble tabletop", "foliage", "kitchen counter")
LIGHTS = ("soft light", "golden hour")


def spring(desk: Desk, *, reports: bool = True) -> None:
    """Campaign 'spring': two segments, six creatives each; foliage earns twice what the other scenes do."""
    made = [
        creative(f"{s}{scene}{light}", segment, scene=scene, light=light)
        for s, segment in enumerate(("walkers", "readers"))
        for scene in SCENES
        for light in LIGHTS
    ]
    rows = [
        row(
            day(d),
            5_000,
            arm_id=c.arm_id,
            clicks=(140 if c.genome.as_dict()["scene"] == "foliage" else 70) + d,
        )
        for c in made
        for d in range(6)
    ]
    with desk.workspace.write() as conn:
        for c in made:
            arms.save_creative(conn, "spring", c, day(0), False, noon(0))
        if reports:
            ledger.apply(conn, delivery(rows, stamp=noon(7)), noon(7))


def named(folder: Path, line: str) -> Path:
    file = small(folder)
    file.write_text(file.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    return file


def test_a_named_campaign_teaches_what_its_options_earned(tmp_path: Path) -> None:
    with open_desk(named(tmp_path / "c", "learnt_from: [spring]")) as desk:
        spring(desk)
        with desk.workspace.read() as conn:
            prior = earlier.prior(conn, desk.campaign, day=day(10))
            assert prior is not None and set(prior.stages) == {"clicks"}
            (told,) = prior.stages["clicks"].campaigns
            mean, sd = told.options["scene"]["foliage"]
            assert mean - 2 * sd > 0 > told.options["scene"]["marble tabletop"][0]
            assert told.options["scene"].keys() == set(SCENES) and told.options["light"].keys() == set(LIGHTS)
            assert np.exp(told.level) == pytest.approx(0.019, abs=0.003)
            plan = decide(conn, desk.campaign, day=day(10))
    said = [text for text in plan.why if "earlier campaign" in text]
    assert (
        len(said) == 1 and said[0].startswith("About ") and "% of what an earlier campaign showed" in said[0]
    )


def test_without_its_name_nothing_passes_from_one_campaign_to_another(tmp_path: Path) -> None:
    with open_desk(small(tmp_path / "c")) as desk:
        spring(desk)
        with desk.workspace.read() as conn:
            assert earlier.prior(conn, desk.campaign, day=day(10)) is None
            assert not any("earlier" in text for text in decide(conn, desk.campaign, day=day(10)).why)


@pytest.mark.parametrize(("made", "says"), [(False, "has no creatives"), (True, "has no report")])
def test_a_campaign_that_cannot_teach_is_refused_by_key_and_line(
    tmp_path: Path, made: bool, says: str
) -> None:
    with open_desk(named(tmp_path / "c", "learnt_from: [spring]")) as desk:
        if made:
            spring(desk, reports=False)
        with desk.workspace.read() as conn, pytest.raises(BadCampaign, match=f"learnt_from.*'spring' {says}"):
            earlier.prior(conn, desk.campaign, day=day(10))


def test_what_was_reported_after_the_day_is_not_known_yet(tmp_path: Path) -> None:
    with open_desk(named(tmp_path / "c", "learnt_from: [spring]")) as desk:
        spring(desk)
        with desk.workspace.read() as conn, pytest.raises(BadCampaign, match="has no report"):
            earlier.prior(conn, desk.campaign, day=day(5))
