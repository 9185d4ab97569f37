"""Another take of an idea is another picture: it may come back when what ran before is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from dco.cli.main import main
from dco.jobs import decide, draft
from dco.jobs.create import Idea, seed_of
from dco.jobs.desk import open_desk
from dco.store.arms import arms
from tests.journeys.campaigns import small


def test_takes_are_counted_by_segment_and_make_other_creatives(tmp_path: Path) -> None:
    file = small(tmp_path / "c", backend="procedural")
    with pytest.raises(SystemExit) as ended:
        main(["generate", str(file), "--per-segment", "2"])
    assert ended.value.code == 0
    with open_desk(file) as desk:
        with desk.workspace.read() as conn:
            first, *others = arms(conn, desk.campaign.key)
            same = {"segment": first.creative.segment, "attributes": first.creative.genome.as_dict()}
            free = {s.key for s in desk.campaign.segments} - {
                o.creative.segment for o in (first, *others) if o.creative.genome == first.creative.genome
            }
            elsewhere = [same | {"segment": s} for s in sorted(free)]
            found = decide.with_takes(conn, desk.campaign, [same, *elsewhere])
        assert [p["take"] for p in found] == [1] + [0] * len(elsewhere)
        ideas = [Idea(first.creative.segment, first.creative.genome, take=k) for k in range(3)]
        assert len({seed_of(desk.campaign, i) for i in ideas}) == 3
        made = draft.make(desk, ideas).made
    assert made[0].creative.arm_id == first.creative.arm_id
    assert len({m.creative.arm_id for m in made}) == 3
