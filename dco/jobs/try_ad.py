"""`dco try`: a newcomer's own photo, headline and link as twelve ads in three sizes, within a minute."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from dco.compose.cutout import cutout
from dco.compose.kit import Kit
from dco.compose.sheet import contact_sheet
from dco.compose.sizes import masters
from dco.compose.wordmark import wordmark
from dco.errors import BadInput, DoesNotFit, GenerationFailed
from dco.generate.backend import load_backend
from dco.generate.cache import PictureCache
from dco.generate.picture import Picture
from dco.generate.request import Request
from dco.generate.studio import make
from dco.generate.vocabulary import copy_side
from dco.jobs.assets import fonts, read_picture
from dco.jobs.create import compose_sizes, exported
from dco.records import Brand, Copy, content_hash
from dco.settings.campaign import is_link

SIZES = ("300x250", "1080x1080", "1200x628")
LOOKS: tuple[Mapping[str, str], ...] = (
    {"scene": "studio podium", "palette": "beige", "light": "soft light", "composition": "copy space left"},
    {
        "scene": "marble tabletop",
        "palette": "white",
        "light": "golden hour",
        "composition": "copy space right",
    },
    {"scene": "mountain ridge", "palette": "teal", "light": "golden hour", "composition": "copy space left"},
    {
        "scene": "kitchen counter",
        "palette": "amber",
        "light": "soft light",
        "composition": "copy space right",
    },
)
COLORS = {"ink": "#16181d", "paper": "#ffffff", "accent": "#1f4fd8", "on_accent": "#ffffff"}


@dataclass(frozen=True)
class Tried:
    """Where the ads lie, and which could not be made and why."""

    folder: Path
    sheet: Path
    files: tuple[Path, ...]
    not_made: tuple[str, ...]


def try_ad(
    photo: Path,
    headline: str,
    link: str,
    folder: Path,
    *,
    cta: str = "Learn more",
    backend: str = "embedded",
    progress: Callable[[int, int], None] | None = None,
) -> Tried:
    """Twelve ads: four looks in three sizes. The photo's own pixels are kept; only the backdrop is made."""
    if not is_link(link):
        raise BadInput(f"link: expected an https:// address, got '{link}'")
    if not headline.strip():
        raise BadInput("headline: is blank; expected the words of the ad, in quotes")
    product = cutout(read_picture(photo)).pixels
    name = link.split("/")[2].removeprefix("www.").split(".")[0].title()
    headline_font, body_font = fonts(Brand(name, "", COLORS), Path())
    kit = Kit(name, product, wordmark(name, headline_font, COLORS["ink"]), COLORS, headline_font, body_font)
    words = Copy(headline.strip(), "", cta)
    seed = int(content_hash([headline, link], length=8), 16)
    sizes = dict.fromkeys(masters(SIZES).values())
    painter = load_backend(backend)
    usual = painter.defaults._asdict()
    wanted = {
        (i, w, h): Request.of(look, w, h, seed + i, **usual) for i, look in enumerate(LOOKS) for w, h in sizes
    }
    requests = list(wanted.values())
    outcomes = make(requests, painter, PictureCache(folder / "pictures"), progress)
    pictures = dict(zip(requests, outcomes, strict=True))
    files: list[Path] = []
    failed: list[str] = []
    tiles: list[tuple[str, np.ndarray]] = []
    folder.mkdir(parents=True, exist_ok=True)
    for i, look in enumerate(LOOKS):
        one = {(w, h): pictures[wanted[i, w, h]] for w, h in sizes}
        backdrops = {size: p.pixels for size, p in one.items() if isinstance(p, Picture)}
        try:
            if len(backdrops) < len(one):
                raise GenerationFailed(
                    "; ".join(p.reason for p in one.values() if not isinstance(p, Picture))
                )
            ads = compose_sizes(kit, words, backdrops, SIZES, copy_side(look["composition"]))
            exports = exported(ads)
        except (DoesNotFit, GenerationFailed) as error:
            failed.append(f"{look['scene']}: {error}")
            continue
        for size, ad in ads.items():
            path = folder / f"{look['scene'].replace(' ', '-')}-{size}.jpg"
            path.write_bytes(exports[size])
            files.append(path)
            tiles.append((f"{look['scene']} {size}", ad.raster))
    if not tiles:
        raise BadInput(f"no ad could be made: {failed[0]}")
    sheet = folder / "contact-sheet.jpg"
    sheet.write_bytes(jpeg_of(contact_sheet(tiles, columns=3, cell=360)))
    return Tried(folder, sheet, tuple(files), tuple(failed))


def jpeg_of(pixels: np.ndarray, quality: int = 88) -> bytes:
    """A JPEG of an array, for sheets and thumbs."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=quality)
    return data.getvalue()
