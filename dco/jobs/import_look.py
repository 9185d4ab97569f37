"""What an imported picture shows, in the campaign's own terms: from a sidecar, from its prompt, or measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from dco.errors import Refused
from dco.generate.picture import Pixels
from dco.generate.provenance import words_of
from dco.generate.vocabulary import ATTRIBUTES, OPTIONAL, copy_side, understand
from dco.jobs.import_files import Found
from dco.jobs.sidecar import Stated
from dco.prompts.policy import broken_rule
from dco.records import Campaign, Genome, content_hash
from dco.store.arms import ArmRow

COPY = ("headline", "subhead", "cta")


@dataclass(frozen=True)
class Shown:
    """What a picture shows in the campaign's terms."""

    options: dict[str, str]
    missing: dict[str, str]
    """Attribute -> why nobody knows."""
    notes: tuple[str, ...]
    unknown: tuple[str, ...]


def shown_by(campaign: Campaign, found: Found, note: Stated) -> Shown:
    """Attributes from the sidecar, else from the prompt; what neither tells is missing, but for what can be measured.

    Raises:
        Refused: the prompt breaks the prompt policy; names the rule.
    """
    prompt = note.prompt or found.origin.prompt
    if broken := broken_rule(prompt, allowed=(campaign.brand.name,)):
        rule, word = broken
        raise Refused(
            f"{found.name}: rule {rule.id!r} refuses {word!r} in its prompt because it {rule.reason}; leave the picture out"
        )
    said = understand(words_of(prompt))
    options: dict[str, str] = {}
    missing: dict[str, str] = {}
    notes: list[str] = []
    for attribute, known in campaign.space.attributes.items():
        word = said.look_parts.get(attribute, "")
        if attribute in note.attributes:
            options[attribute] = note.attributes[attribute]
        elif attribute in COPY:
            continue
        elif word in known:
            options[attribute] = word
        elif word:
            missing[attribute] = f"its prompt says {attribute} '{word}', which is none of the campaign's"
        elif attribute in OPTIONAL and "none" in known:
            options[attribute] = "none"
        elif attribute == "composition":
            options[attribute] = calmest(found.pixels, known)
            notes.append(f"{options[attribute]} (measured: its calmest part)")
        else:
            missing[attribute] = f"nothing tells its {attribute}"
    unused = [
        f"{a} '{w}'"
        for a, w in said.look_parts.items()
        if a in ATTRIBUTES and a not in campaign.space.attributes
    ]
    origin = found.origin
    notes.insert(
        0,
        f"{origin.tool}{', job ' + origin.job_id if origin.job_id else ''}, prompt from {origin.read_from or 'nowhere'}",
    )
    if unused:
        notes.append(f"not varied here: {', '.join(unused)}")
    if said.unknown:
        more = f" and {len(said.unknown) - 8} more" if len(said.unknown) > 8 else ""
        notes.append(f"not understood: {', '.join(said.unknown[:8])}{more}")
    return Shown(options, missing, (*notes, *origin.notes), said.unknown)


def genome_of(
    campaign: Campaign, options: Mapping[str, str], salt: Sequence[str], before: Sequence[ArmRow]
) -> Genome | None:
    """The picture's options, and for words that nobody chose some that the campaign allows with them: those it had before,
    else by the hash of picture and segment, so that a folder of pictures spreads over all of them."""
    space = campaign.space.attributes
    free = [a for a in COPY if a in space and a not in options]
    mixes: list[dict[str, str]] = [
        dict(zip(free, mix, strict=True)) for mix in product(*(space[a] for a in free))
    ]
    used = [row.creative.genome.as_dict() for row in before]

    def order(mix: Mapping[str, str]) -> tuple[bool, str]:
        kept = any(all(old.get(a) == o for a, o in mix.items()) for old in used)
        return not kept, content_hash([*salt, dict(mix)])

    allowed = [m for m in mixes if campaign.space.allows({**options, **m})]
    return Genome.of({**options, **sorted(allowed, key=order)[0]}) if allowed else None


def calmest(pixels: Pixels, options: Sequence[str]) -> str:
    """Where the words go: the composition of `options` whose copy side has less going on.

    A half's unrest is its mean gradient, in levels per pixel of a copy about 96 px wide. Halves that differ by less than a
    fifth are no side to write on: then the product takes the middle, where the campaign has that.
    """
    step = max(1, pixels.shape[1] // 96)
    grey = pixels[::step, ::step].astype(np.float32).mean(2)
    busy = np.abs(np.gradient(grey, axis=0)) + np.abs(np.gradient(grey, axis=1))
    half = busy.shape[1] // 2
    unrest = {"left": float(busy[:, :half].mean()), "right": float(busy[:, half:].mean())}
    even = min(unrest.values()) > 0.8 * max(unrest.values())
    unrest["center"] = -1.0 if even else max(unrest.values())
    return min(options, key=lambda option: unrest[copy_side(option)])


def ways(campaign: Campaign, folder: Path, missing: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """How to tell what the prompts do not: the sidecar's columns, and their options."""
    lacking = [a for a in campaign.space.attributes if any(a in m for m in missing.values())]
    if not lacking:
        return ()
    columns = ",".join(["file", *lacking])
    options = [f"{a}: {', '.join(campaign.space.attributes[a])}" for a in lacking]
    example = ",".join([next(iter(missing)), *(campaign.space.attributes[a][0] for a in lacking)])
    return (
        f"say what they show in {folder / 'attributes.csv'}: '{columns}', then lines such as '{example}'",
        *options,
    )
