"""Many pictures on one sheet, with captions, for people to look over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dco.compose.colour import Bytes
from dco.errors import BadData

_GROUND, _TEXT = (238, 238, 240), (40, 42, 48)
_AIR, _CAPTION = 12, 22


def contact_sheet(tiles: Sequence[tuple[str, Bytes]], columns: int, cell: int) -> Bytes:
    """A grid of captioned pictures, none enlarged.

    Args:
        tiles: (caption, uint8[h, w, 3]) in reading order.
        columns: tiles per row.
        cell: longest side of a picture on the sheet, in pixels.

    Returns:
        uint8[H, W, 3]; rows are as tall as their tallest picture.

    Raises:
        BadData: there are no tiles, or no room for them.
    """
    if not tiles or columns < 1 or cell < 16:
        raise BadData(
            f"contact sheet: {len(tiles)} tiles in {columns} columns of {cell} px; expected at least 1, 1 and 16"
        )
    rows = [tiles[i : i + columns] for i in range(0, len(tiles), columns)]
    shown = [[_shrunk(pixels, cell) for _, pixels in row] for row in rows]
    heights = [max(p.height for p in row) + _CAPTION + _AIR for row in shown]
    width = min(columns, len(tiles)) * (cell + _AIR) + _AIR
    sheet = Image.new("RGB", (width, sum(heights) + _AIR), _GROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    y = _AIR
    for row, pictures, height in zip(rows, shown, heights):
        for column, ((caption, _), picture) in enumerate(zip(row, pictures)):
            x = _AIR + column * (cell + _AIR)
            pen.text((x, y + 2), _fitting(pen, caption, font, cell), fill=_TEXT, font=font)
            sheet.paste(picture, (x, y + _CAPTION))
        y += height
    return np.array(sheet)


def _shrunk(pixels: Bytes, cell: int) -> Image.Image:
    picture = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
    scale = min(1.0, cell / max(picture.size))
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture if scale == 1.0 else picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _fitting(
    pen: ImageDraw.ImageDraw, caption: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> str:
    """The caption, cut with an ellipsis where it is wider than its cell."""
    if pen.textlength(caption, font=font) <= width:
        return caption
    while caption and pen.textlength(caption + "…", font=font) > width:
        caption = caption[:-1]
    return caption + "…"
