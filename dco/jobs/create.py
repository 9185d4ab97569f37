"""From ideas to drafted creatives: requests, pictures, composed ads, checks, and the content hash that names them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from dco.compose.ad import compose
from dco.compose.encode import encode
from dco.compose.kit import Ad, Kit
from dco.compose.review import review
from dco.compose.sizes import ad_size, masters
from dco.errors import BadCampaign, DoesNotFit, Refused, UnknownName
from dco.generate.cache import PictureCache
from dco.generate.picture import Failure, Outcome, Picture
from dco.generate.quality.panel import OUTLIER, Panel
from dco.generate.reference import Reference
from dco.generate.request import Request, fewest_steps
from dco.generate.studio import make
from dco.generate.vocabulary import ATTRIBUTES, Side, copy_side, values
from dco.jobs import composition
from dco.jobs.pictures import Studio, backend_of, executor
from dco.jobs.second_try import Size, draw, gates, hold_together, strangers
from dco.prompts import wording
from dco.records import Campaign, Copy, Creative, Genome, Missed, arm_id, content_hash
from dco.settings import wrong
from dco.store.costs import PictureCost

Progress = Callable[[int, int], None]

VARIED = 0.5
"""Largest strength at which a picture is varied: its composition stays, surfaces and light are drawn anew."""

REAL_MODELS = ("diffusers", "openai_images")
"""Backends that read sentences, and may draw what the renderer's vocabulary does not name."""


@dataclass(frozen=True)
class Idea:
    """A genome for a segment, and the arms it descends from; `take` counts the pictures of it that were made there before."""

    segment: str
    genome: Genome
    parents: tuple[str, ...] = ()
    take: int = 0
    varies: tuple[str, ...] = ()
    """Keys of the pictures that this take is drawn from, image to image; empty: from the render, as a first take is."""
    toward: str = ""
    """Prompt of the creative that it descends from, where its own shall lean towards that."""


@dataclass(frozen=True)
class Made:
    """A creative that passed every check, with its ads in memory."""

    creative: Creative
    ads: Mapping[str, Ad]
    exports: Mapping[str, bytes]
    """Size -> the JPEG that leaves the house, within the file weight of its size."""
    seconds: float
    """Wall time of its pictures; 0 when they came from the cache."""


@dataclass(frozen=True)
class NotMade:
    """An idea that gave no creative, and why, in words a designer can act on."""

    idea: Idea
    reason: str
    gates: tuple[str, ...] = ()
    """Per try that failed, the quality gate that refused its picture; '' where something else was in the way."""

    @property
    def missed(self) -> Missed:
        """As it is recorded and told."""
        return Missed(self.idea.segment, self.idea.genome, self.reason, self.gates)


@dataclass(frozen=True)
class Batch:
    """What became of a list of ideas."""

    made: tuple[Made, ...] = ()
    not_made: tuple[NotMade, ...] = ()
    pictures: int = 0
    seconds: float = field(default=0.0)
    costs: tuple[PictureCost, ...] = ()
    """What became of each picture that was asked for, for the ledger."""
    spread: Mapping[str, float] = field(default_factory=dict)
    """Segment -> mean distance of its new backdrops' colours from each other, dE: how well the set holds together."""


def check_vocabulary(campaign: Campaign) -> None:
    """The renderer's words are known before anything is made: an option nobody can draw is an error of the file."""
    for attribute in ATTRIBUTES:
        for option in campaign.space.attributes.get(attribute, ()):
            known = values(attribute)
            if option not in known and campaign.model.backend not in REAL_MODELS:
                error = UnknownName(f"{attribute} of backend '{campaign.model.backend}'", option, known)
                raise wrong(campaign, f"attributes.{attribute}", str(error))


def check_composition(campaign: Campaign, ideas: Sequence[Idea]) -> None:
    """The pictures, adapters and negative prompt of the file are there, and its backend can draw with them.

    Raises:
        BadCampaign: with file, line and key.
    """
    for idea in ideas:
        try:
            requests_for(campaign, idea)
        except Refused:  # this idea's words; another one's may pass
            continue
        return


def look(campaign: Campaign, genome: Mapping[str, str]) -> dict[str, str]:
    """The visual options of a genome; an attribute that does not vary takes the vocabulary's first word."""
    return {a: genome.get(a, values(a)[0]) for a in ATTRIBUTES}


def seed_of(campaign: Campaign, idea: Idea) -> int:
    """The same take of an idea in the same segment is the same picture, whichever night asks for it."""
    take = [idea.take] if idea.take else []
    return int(content_hash([campaign.key, idea.segment, idea.genome.key, *take], length=12), 16)


def requests_for(
    campaign: Campaign, idea: Idea, attempt: int = 0, cache: PictureCache | None = None
) -> dict[tuple[int, int], Request]:
    """One request per aspect family that the campaign's sizes need.

    `attempt` counts how often a gate refused the idea's pictures; each has a seed of its own, and so keys of its own.
    `cache` holds the pictures that the idea varies; one that is gone from it is drawn from the render instead.

    Raises:
        Refused: the words break the prompt policy; the message names the rule. BadCampaign: a picture that the campaign
            file names cannot be used, or the backend cannot do what it states.
    """
    genome = idea.genome.as_dict()
    visual = look(campaign, genome)
    model, backend = campaign.model, backend_of(campaign)
    steps, guidance, strength = (
        usual if stated is None else stated
        for stated, usual in zip((model.steps, model.guidance, model.strength), backend.defaults, strict=True)
    )
    words = visual | {a: o for a, o in genome.items() if a.startswith("look_")}
    if model.backend in REAL_MODELS:
        asked = _sentences(campaign, idea, words)
    else:
        asked = wording.embedded(words, **_policy(campaign))
    strength = float(genome.get("strength", strength))
    before = _varied(idea, cache)
    toward = idea.toward if model.lean and idea.toward != asked.prompt else ""
    found = {
        (width, height): Request(
            attributes=tuple((a, option) for a, option in visual.items() if option != "none"),
            prompt=asked.prompt,
            width=width,
            height=height,
            seed=seed_of(campaign, idea) + attempt,
            strength=(own := min(VARIED, strength) if (width, height) in before else strength),
            # A model of four steps still runs one of them at the faintest strength.
            steps=max(int(steps), fewest_steps(own)),
            guidance=guidance,
            negative=composition.avoid(campaign, asked.negative if model.backend == "diffusers" else ""),
            toward=toward,
            lean=model.lean if toward else 0.0,
            **(composition.fields(campaign, width, height) | before.get((width, height), {})),
        )
        for width, height in dict.fromkeys(masters(campaign.sizes()).values())
    }
    composition.require_able(campaign, backend, next(iter(found.values())))
    return found


def _varied(idea: Idea, cache: PictureCache | None) -> dict[Size, dict[str, Any]]:
    """The pictures that an idea varies, by size, as the `init` of a request."""
    known = [picture for key in idea.varies if cache is not None and (picture := cache.get(key)) is not None]
    return {(p.pixels.shape[1], p.pixels.shape[0]): {"init": Reference(p.pixels)} for p in known}


class _Policy(TypedDict):
    allowed: tuple[str, ...]
    banned: tuple[str, ...]


def _policy(campaign: Campaign) -> _Policy:
    """The words this advertiser may use although a rule lists them, and those its own rules forbid."""
    return {"allowed": (campaign.brand.name,), "banned": campaign.brand.banned_words}


def _sentences(campaign: Campaign, idea: Idea, words: Mapping[str, str]) -> wording.Wording:
    """The richest wording that the model reads to its end: the audience is left out first, then the brief."""
    audience = campaign.segment(idea.segment).description
    reads = getattr(backend_of(campaign), "reads", None)
    for brief, to in ((campaign.brief, audience), (campaign.brief, ""), ("", "")):
        asked = wording.checkpoint(words, brief, to, **_policy(campaign))
        if reads is None or composition.tokens(asked.prompt) <= reads:
            break
    return asked


def create(
    campaign: Campaign,
    kit: Kit,
    cache: PictureCache,
    ideas: Sequence[Idea],
    progress: Progress | None = None,
    *,
    beside: Sequence[str] = (),
) -> Batch:
    """Make every idea; one failure stops no other. Nothing is stored but pictures in the cache.

    An idea whose picture a quality gate refuses is drawn once more, in every size, with the next seed; the creative states
    the seed it was really made with.

    Args:
        beside: keys of pictures that the campaign shows already, and that no new one may repeat.
    """
    panel = Panel.of(backend_of(campaign))
    backend = Studio(campaign, executor(), panel)
    asked = [_asked(campaign, idea, cache) for idea in ideas]
    failed = [one for one in asked if isinstance(one, NotMade)]
    able = [idea for idea, one in zip(ideas, asked, strict=True) if not isinstance(one, NotMade)]

    def pictures(requests: Sequence[Request], known: Sequence[str]) -> Sequence[Outcome]:
        around = [*beside, *known]
        seen = None if known else progress  # a second try would start the count anew
        return make(requests, backend, cache, seen, panel=panel, beside=around, **_policy(campaign))

    def again(n: int) -> dict[Size, Request]:
        return requests_for(campaign, able[n], attempt=1, cache=cache)

    first = [one for one in asked if not isinstance(one, NotMade)]
    chosen, settled = draw(first, again, pictures)
    odd, spread = _sets(able, chosen, settled, panel.limits.get(OUTLIER))
    made: list[Made] = []
    for n, (idea, requests) in enumerate(zip(able, chosen, strict=True)):
        if n in odd:
            failed.append(NotMade(idea, f"no picture: {odd[n]}", (OUTLIER,)))
            continue
        drawn = {size: settled[request] for size, request in requests.items()}
        spent = sum(p.seconds for p in drawn.values() if isinstance(p, Picture) and not p.cached)
        result = assemble(campaign, kit, idea, requests, drawn, backend.model_id, spent)
        if isinstance(result, Made):
            made.append(result)
        else:
            failed.append(replace(result, gates=gates((first[n], again(n)), settled)))
    new = [o.seconds for o in settled.values() if isinstance(o, Picture) and not o.cached]
    costs = tuple(_cost(outcome, backend.model_id) for outcome in settled.values())
    return Batch(tuple(made), tuple(failed), len(new), sum(new), costs, spread)


def _sets(
    ideas: Sequence[Idea],
    chosen: Sequence[Mapping[Size, Request]],
    settled: Mapping[Request, Outcome],
    limit: float | None,
) -> tuple[dict[int, str], dict[str, float]]:
    """Strangers by the idea's number, and the spread of each segment's set; sizes show one scene, so the first speaks for all."""
    odd: dict[int, str] = {}
    spread: dict[str, float] = {}
    shown = {n: settled[next(iter(one.values()))] for n, one in enumerate(chosen)}
    for segment in dict.fromkeys(idea.segment for idea in ideas):
        numbers = [n for n, o in shown.items() if isinstance(o, Picture) and ideas[n].segment == segment]
        pictures = [o for n in numbers if isinstance(o := shown[n], Picture)]
        odd |= {numbers[n]: why for n, why in strangers(pictures, limit).items()}
        if len(pictures) > 1:
            spread[segment] = hold_together(pictures).spread
    return odd, spread


def _asked(campaign: Campaign, idea: Idea, cache: PictureCache) -> dict[Size, Request] | NotMade:
    try:
        return requests_for(campaign, idea, cache=cache)
    except (Refused, BadCampaign) as error:
        return NotMade(idea, str(error))


def _cost(outcome: Outcome, model: str) -> PictureCost:
    if isinstance(outcome, Failure):
        return PictureCost(
            outcome.key, model, "refused",
            outcome.seconds, outcome.watt_hours, outcome.micros, outcome.currency, outcome.reason,
        )  # fmt: skip
    return PictureCost(
        outcome.key, model, "cached" if outcome.cached else "made",
        outcome.seconds, outcome.watt_hours, outcome.micros, outcome.currency,
    )  # fmt: skip


def assemble(
    campaign: Campaign,
    kit: Kit,
    idea: Idea,
    requests: Mapping[tuple[int, int], Request],
    pictures: Mapping[tuple[int, int], Picture | Failure],
    model: str,
    seconds: float,
) -> Made | NotMade:
    """One creative of finished pictures, one per backdrop (width, height) that the campaign's sizes need; checked, not stored."""
    for picture in pictures.values():
        if isinstance(picture, Failure):
            return NotMade(idea, f"no picture: {picture.reason}")
    genome = idea.genome.as_dict()
    words = campaign.copy_of(genome)
    side = copy_side(look(campaign, genome)["composition"])
    backdrops = {size: p.pixels for size, p in pictures.items() if isinstance(p, Picture)}
    try:
        ads = compose_sizes(kit, words, backdrops, campaign.sizes(), side)
        exports = exported(ads)
    except DoesNotFit as error:
        return NotMade(idea, str(error))
    rasters = {size: raster_hash(ad.raster) for size, ad in ads.items()}
    first = next(iter(requests.values()))
    creative = Creative(
        arm_id=arm_id(rasters, words, campaign.link),
        segment=idea.segment,
        genome=idea.genome,
        copy=words,
        link=campaign.link,
        rasters=rasters,
        parents=idea.parents,
        prompt=first.prompt,
        seed=first.seed,
        model=model,
        requests=tuple(request.key(model) for request in requests.values()),
    )
    return Made(creative, ads, exports, seconds)


def compose_sizes(
    kit: Kit,
    words: Copy,
    backdrops: Mapping[tuple[int, int], NDArray[np.uint8]],
    sizes: Sequence[str],
    side: Side,
) -> dict[str, Ad]:
    """Every size of one creative, checked.

    Raises:
        DoesNotFit: names the size, the box, what was measured and the limit.
    """
    ads = {}
    for size, master in masters(sizes).items():
        ad = compose(backdrops[master], kit, words, size, copy_side=side)
        for finding in review(ad, kit):
            raise DoesNotFit(finding.message)
        ads[size] = ad
    return ads


def exported(ads: Mapping[str, Ad]) -> dict[str, bytes]:
    """The file of every size. Made before anybody is asked to approve, so that an ad too heavy to ship is refused here.

    Raises:
        DoesNotFit: names the size, its weight at the lowest quality, and the limit.
    """
    return {size: encode(ad.raster, ad_size(size).max_bytes)[0] for size, ad in ads.items()}


def raster_hash(raster: NDArray[np.uint8]) -> str:
    """SHA-256 over shape and pixels of a composed ad: what approval is bound to."""
    header = "x".join(map(str, raster.shape)).encode()
    return hashlib.sha256(header + b"\n" + np.ascontiguousarray(raster).tobytes()).hexdigest()
