"""`dco moodboard`: words in, a board of backdrops out; what was understood, what varied, and which words meant nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from dco.compose.sheet import contact_sheet
from dco.errors import BadInput, GenerationFailed
from dco.generate.backend import load_backend
from dco.generate.cache import PictureCache
from dco.generate.picture import Picture
from dco.generate.request import Request
from dco.generate.studio import make
from dco.generate.vocabulary import ATTRIBUTES, OPTIONAL, Look, prompt, understand, values
from dco.jobs.try_ad import jpeg_of
from dco.prompts.policy import check
from dco.records import content_hash

MOST = 48


@dataclass(frozen=True)
class Board:
    """Where the board lies and what the words came to. `understood` maps attributes to words of the vocabulary; what it
    leaves open was varied. `unknown` and `contradicted` were not used."""

    sheet: Path
    files: tuple[Path, ...]
    understood: dict[str, str]
    unknown: tuple[str, ...]
    contradicted: tuple[str, ...]
    not_made: tuple[str, ...]


def moodboard(
    text: str,
    folder: Path,
    *,
    count: int = 12,
    size: tuple[int, int] = (720, 720),
    backend: str = "embedded",
    progress: Callable[[int, int], None] | None = None,
) -> Board:
    """Backdrops for a text. The same text gives the same board.

    With the embedded model or the plain renderer, words outside the vocabulary cannot be drawn and are named; a real
    checkpoint is asked with the text itself.

    Raises:
        BadInput: no text, a count out of range. Refused: the text breaks the prompt policy.
        GenerationFailed: no picture could be made; the first reason is given.
    """
    if not text.strip():
        raise BadInput("moodboard: say what to show, e.g. 'calm beach in autumn, copy space left'")
    if not 1 <= count <= MOST:
        raise BadInput(f"moodboard: count {count} is out of range; expected 1 to {MOST}")
    check(text)
    found = understand(text)
    looks = _looks(found.look_parts, count, int(content_hash([text], length=8), 16))
    painter = load_backend(backend)
    own_words = backend not in ("embedded", "procedural")
    usual = painter.defaults
    requests = [
        Request.of(
            {a: word for a in ATTRIBUTES if (word := getattr(look, a)) != "none"}, *size, number,
            prompt=text if own_words else prompt(look),
            strength=usual.strength, steps=usual.steps, guidance=usual.guidance,
        )
        for number, look in enumerate(looks)
    ]  # fmt: skip
    outcomes = make(requests, painter, PictureCache(folder / "pictures"), progress)
    tiles: list[tuple[str, np.ndarray]] = []
    files: list[Path] = []
    failed: list[str] = []
    for look, outcome in zip(looks, outcomes, strict=True):
        if not isinstance(outcome, Picture):
            failed.append(outcome.reason)
            continue
        path = folder / f"{len(files) + 1:02d}-{look.scene.replace(' ', '-')}.png"
        Image.fromarray(outcome.pixels).save(path)
        files.append(path)
        tiles.append((prompt(look), outcome.pixels))
    if not tiles:
        raise GenerationFailed(f"moodboard: no picture could be made: {failed[0]}")
    sheet = folder / "moodboard.jpg"
    sheet.write_bytes(jpeg_of(contact_sheet(tiles, columns=min(4, len(tiles)), cell=360)))
    return Board(sheet, tuple(files), found.look_parts, found.unknown, found.contradicted, tuple(failed))


def _looks(stated: dict[str, str], count: int, seed: int) -> list[Look]:
    """Looks that share what is stated; scene and palette are gone through without repeats, the rest drawn."""
    rng = np.random.default_rng(seed)
    decks = {a: rng.permutation(values(a)) for a in ("scene", "palette")}
    looks = []
    for number in range(count):
        open_words = {a: str(deck[number % len(deck)]) for a, deck in decks.items()}
        for attribute in ("light", "composition"):
            open_words[attribute] = str(rng.choice(values(attribute)))
        open_words |= dict.fromkeys(OPTIONAL, "none")
        looks.append(Look(**(open_words | stated)))
    return looks
