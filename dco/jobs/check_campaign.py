"""`dco check my-campaign`: everything a campaign file names is there and fits, or the one line that is wrong. Draws nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from dco.compose.sizes import masters
from dco.jobs import licences
from dco.jobs.assets import kit
from dco.jobs.create import Idea, check_vocabulary, requests_for
from dco.jobs.pictures import backend_of
from dco.records import Campaign, Genome
from dco.settings import load_campaign


@dataclass(frozen=True)
class CampaignCheck:
    """A campaign file that can be drawn. `drafts_only` are the lines that keep its creatives from going live."""

    campaign: str
    backend: str
    model: str
    segments: tuple[str, ...]
    sizes: tuple[str, ...]
    backdrops: tuple[str, ...]
    drawn_from: tuple[str, ...]
    """What pictures are drawn from besides words and look, such as 'init brand/room.jpg'."""
    drafts_only: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    def __str__(self) -> str:
        lines = [
            f"campaign {self.campaign}: can be drawn; {len(self.segments)} segments, sizes {', '.join(self.sizes)}",
            f"  backend {self.backend}, model {self.model[:12]}, backdrops of {', '.join(self.backdrops)} pixels",
        ]
        lines += [f"  {what}" for what in self.drawn_from]
        lines += [f"  drafts only: {line}" for line in self.drafts_only]
        return "\n".join(lines)


def check_campaign(path: Path) -> CampaignCheck:
    """Read a campaign file with every file it names, and ask its backend whether it can do what is stated.

    Raises:
        BadCampaign: names file, line, key, value and a way out. BadPicture, BadModel: a brand file or the model's folder
            cannot be used. Refused: its words break the prompt policy.
    """
    campaign = load_campaign(path)
    check_vocabulary(campaign)
    kit(campaign)
    options = {name: values[0] for name, values in campaign.space.attributes.items()}
    requests_for(campaign, Idea(campaign.segments[0].key, Genome.of(options)))
    return CampaignCheck(
        campaign=campaign.key,
        backend=campaign.model.backend,
        model=backend_of(campaign).model_id,
        segments=tuple(segment.key for segment in campaign.segments),
        sizes=campaign.sizes(),
        backdrops=tuple(dict.fromkeys(f"{w}x{h}" for w, h in masters(campaign.sizes()).values())),
        drawn_from=_drawn_from(campaign),
        drafts_only=tuple(licences.shortcomings(campaign)),
    )


def _drawn_from(campaign: Campaign) -> tuple[str, ...]:
    model = campaign.model
    lines = [f"{role} {file}" for role, file in model.pictures]
    lines += [f"adapter {one.name} at {one.weight:g}" for one in model.adapters]
    return (*lines, f"avoids {model.negative}") if model.negative else tuple(lines)
