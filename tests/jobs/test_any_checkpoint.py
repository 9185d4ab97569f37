"""Any diffusers checkpoint on disk works by changing the model's lines of the campaign file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_pipelines import tiny_flux, tiny_stable_diffusion, tiny_turbo

from dco.generate.cache import PictureCache
from dco.jobs.assets import kit
from dco.jobs.create import Idea, create, requests_for
from dco.records import Campaign, Genome
from dco.settings import load_campaign
from tests.journeys.campaigns import small


def with_checkpoint(folder: Path, checkpoint: Path, more: str = "") -> Path:
    file = small(folder, backend="diffusers")
    text = file.read_text(encoding="utf-8")
    head, _, rest = text.partition("model:")
    lines = rest.splitlines(keepends=True)
    after = next(
        (n for n, line in enumerate(lines[1:], 1) if line.strip() and not line.startswith(" ")), len(lines)
    )
    model = f"model:\n  backend: diffusers\n  folder: {checkpoint}\n{more}"
    file.write_text(head + model + "".join(lines[after:]), encoding="utf-8")
    return file


def idea(campaign: Campaign) -> Idea:
    options = {name: values[0] for name, values in campaign.space.attributes.items()}
    return Idea(campaign.segments[0].key, Genome.of(options))


@pytest.mark.parametrize(
    ("checkpoint", "steps", "guidance"),
    [(tiny_stable_diffusion, 30, 7.0), (tiny_turbo, 4, 0.0), (lambda: tiny_flux(True), 28, 3.5)],
)
def test_the_checkpoint_is_asked_with_its_own_settings_and_told_what_to_avoid(
    checkpoint: Callable[[], Path], steps: int, guidance: float, tmp_path: Path
) -> None:
    campaign = load_campaign(with_checkpoint(tmp_path / "c", checkpoint()))
    wanted = list(requests_for(campaign, idea(campaign)).values())
    assert wanted
    for one in wanted:
        assert (one.steps, one.guidance) == (steps, guidance)
        assert "watermark" in one.negative
        assert one.prompt.startswith("commercial advertising photograph")


def test_a_model_that_reads_little_is_asked_in_fewer_words(tmp_path: Path) -> None:
    prompts = []
    for number, checkpoint in enumerate([tiny_stable_diffusion(), tiny_flux(True)]):
        campaign = load_campaign(with_checkpoint(tmp_path / str(number), checkpoint))
        prompts.append(next(iter(requests_for(campaign, idea(campaign)).values())).prompt)
    short, long = prompts
    assert "appealing to" in long and "appealing to" not in short
    # CLIP reads 77 tokens with start and end; a word or a mark is one, seldom two.
    assert len(re.findall(r"\w+|[^\w\s]", short)) <= 66


def test_a_faint_strength_still_runs_a_step_of_a_few_step_model(tmp_path: Path) -> None:
    campaign = load_campaign(with_checkpoint(tmp_path / "c", tiny_turbo(), "  strength: 0.1\n"))
    for one in requests_for(campaign, idea(campaign)).values():
        assert (one.strength, one.steps) == (0.1, 10)


def test_a_creative_is_drawn_with_a_checkpoint_that_only_the_campaign_file_names(tmp_path: Path) -> None:
    more = "  steps: 2\n  options: {size: request}\n"
    campaign = load_campaign(with_checkpoint(tmp_path / "c", tiny_flux(True), more))
    batch = create(campaign, kit(campaign), PictureCache(tmp_path / "cache"), [idea(campaign)])
    # Random weights paint noise, which a gate may refuse: drawn and judged it was, in one line if at all.
    for failed in batch.not_made:
        assert failed.reason.startswith("no picture: ")
        assert not re.search("Error|prompt|cannot", failed.reason)
    assert len(batch.made) + len(batch.not_made) == 1 and batch.costs
