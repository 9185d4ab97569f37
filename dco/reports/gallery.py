"""The static approval gallery: every waiting creative at true size, with all that made it and the command that decides.

The page only shows: nothing on it approves anything. Approval is a command, bound to the hash of the pixels shown.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup

from dco.records import size_of
from dco.reports import pictures, words
from dco.reports.campaign import environment
from dco.reports.facts import ArmCard
from dco.reports.theme import css_variables
from dco.reports.words import pretty

Level = Literal["ok", "note", "warning", "refused"]
"""How a check ended; only 'refused' would keep a creative from being approved."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result for a size ('' = all sizes), in words."""

    check: str
    level: Level
    message: str
    size: str = ""


@dataclass(frozen=True, slots=True)
class GalleryCard:
    """A creative with the composed picture of every size. Findings are `Finding` values or plain sentences."""

    arm: ArmCard
    images: Mapping[str, bytes]
    findings: Sequence[Finding | str] = ()


def gallery(
    cards: Sequence[GalleryCard], *, title: str, commands: bool = True, campaign: str = "CAMPAIGN"
) -> str:
    """One self-contained HTML page.

    Args:
        cards: what waits, in the order to show.
        title: heading, e.g. the campaign's name and the night.
        commands: show the exact commands to approve or reject, with copy buttons.
        campaign: the campaign's key as the command line knows it.
    """
    shown = [_card(card, campaign) for card in cards]
    arms = [card.arm.arm_id for card in cards]
    context = {
        "title": title,
        "css": Markup(css_variables()),
        "cards": shown,
        "commands": commands,
        "heading": words.plural(len(cards), "creative waits", "creatives wait") + " for approval"
        if cards
        else "Nothing waits for approval",
        "approve_all": command("approve", campaign, arms) if len(arms) > 1 else "",
        "refused": sum(c["worst"] == "refused" for c in shown),
    }
    return environment().get_template("gallery.html.j2").render(context)


def command(verb: Literal["approve", "reject"], campaign: str, arms: Sequence[str]) -> str:
    """The command line that approves or rejects these arms, quoted for a shell; a rejection asks for its reason."""
    why = ["--why", "REASON"] if verb == "reject" else []
    return shlex.join(["dco", verb, campaign, *arms, *why])


def _card(card: GalleryCard, campaign: str) -> dict[str, Any]:
    arm = card.arm
    findings = [f if isinstance(f, Finding) else Finding("", "note", f) for f in card.findings]
    ranks: tuple[Level, ...] = ("ok", "note", "warning", "refused")
    return {
        "arm": arm,
        "segment": pretty(arm.segment),
        "genome": [(pretty(a), pretty(o)) for a, o in arm.genome.items()],
        "images": [_image(arm, size, data) for size, data in card.images.items()],
        "findings": sorted(findings, key=lambda f: -ranks.index(f.level)),
        "quality": words.quality_line(arm.quality),
        "worst": max((f.level for f in findings), key=ranks.index, default="ok"),
        "approve": command("approve", campaign, [arm.arm_id]),
        "reject": command("reject", campaign, [arm.arm_id]),
    }


def _image(arm: ArmCard, size: str, data: bytes) -> dict[str, Any]:
    width, height = size_of(size)
    real = pictures.measure(data)
    # A picture that is not of its size is shown as it is, and said so: the approver must see what will be sent.
    wrong = f"the picture is {real[1]}x{real[2]}" if real and real[1:] != (width, height) else ""
    return {
        "size": size,
        "uri": Markup(pictures.data_uri(data)),
        "width": real[1] if real else width,
        "height": real[2] if real else height,
        "wrong": wrong if real else "the picture cannot be read",
        "alt": f"{size}: “{arm.copy.headline}”, {arm.copy.subhead} [{arm.copy.cta}]",
    }
