"""One ad: backdrop, shadow, product, logo and words painted in this order, each on a layer of its own."""

from __future__ import annotations

import numpy as np
import skia

from dco.compose.colour import Bytes, contrast, luminance, luminance_of, rgb, worst_contrast
from dco.compose.fit import CopySetting, Setting, fit
from dco.compose.ground import cut, patch, quiet, read, scrim, set_off
from dco.compose.kit import Ad, Box, Kit, Layer
from dco.compose.layout import plan
from dco.compose.mark import mark
from dco.compose.product import Stance, blend, max_abs_diff, resample, shadow, stance, trim
from dco.compose.rooms import Plan, Rect, Shapes
from dco.compose.sizes import AdSize, ad_size
from dco.compose.spot import Side
from dco.compose.typeset import BUTTON, HEADLINE, SUBHEAD, Fonts, Text, draw, fonts_of
from dco.errors import BadPicture, DoesNotFit
from dco.records import Copy

_MOST_ENLARGED = 1.6
"""A product is never shown larger than this many ad pixels per source pixel."""


def compose(backdrop: Bytes, kit: Kit, copy: Copy, size: str, *, copy_side: Side) -> Ad:
    """Compose one ad. The same arguments give the same pixels.

    Args:
        backdrop: uint8[H, W, 3], any size; it is cut to the ad's shape (`sizes.masters` says which size serves best).
        kit: the brand's pixels, colours and fonts.
        copy: the words; an empty subhead is none.
        size: a key of `sizes.SIZES`.
        copy_side: where the words stand; the product takes the other side. 'center' is copy above, product below.

    Raises:
        DoesNotFit: words, or a product of extreme shape, fit no box of this size; the message says which and by how much.
        UnknownName: there is no such size.
        BadPicture: the backdrop is no RGB picture.
    """
    if backdrop.ndim != 3 or backdrop.shape[2] != 3 or backdrop.dtype != np.uint8:
        raise BadPicture(f"backdrop: expected uint8[h, w, 3], got {backdrop.dtype}{list(backdrop.shape)}")
    target = ad_size(size)
    fonts = fonts_of(kit.headline_font, kit.body_font)
    headline, subhead, button = _texts(fonts, copy, size)
    product, logo = trim(kit.product), trim(kit.logo)
    how = stance(product)
    shapes = Shapes(_aspect(product), _aspect(logo), button.width, how.stands)
    made = plan(target, copy_side, shapes)
    words = fit(target, made, headline, subhead, button)

    ground, enlarged = cut(backdrop, target, made, copy_side)
    place = _product_place(product, made, how, target)
    pixels = resample(product, round(place.w), round(place.h))
    x, y = round(place.x), round(place.y)
    # The light goes behind the product before the words are looked at, so that they are read on what they will stand on.
    ground = set_off(ground, pixels, x, y)
    rects = _word_rects(words, made, apart=made.button is not None)
    reading = read(ground, rects, kit)
    ground = scrim(ground, made, reading)
    if made.logo not in rects:
        ground = quiet(ground, made.logo)
    dark = shadow(pixels, x, y, ground.shape[:2], how)
    ground = np.round(ground * (1 - 0.88 * dark[..., None])).astype(np.uint8)

    layers = [Layer("product", x, y, pixels)]
    boxes = [Box("product", x, y, pixels.shape[1], pixels.shape[0], "product")]
    _add_logo(layers, boxes, logo, made, ground, kit, reading.ink)
    for name, setting in (("headline", words.headline), ("subhead", words.subhead)):
        if setting:
            _add_words(layers, boxes, name, setting, reading.ink)
    fill, on_fill = _button_colours(kit, patch(ground, words.pill), reading.ink)
    layers.append(_pill(words.pill, fill))
    pill = words.pill
    boxes.append(Box("button", int(pill.x), int(pill.y), int(pill.w), int(pill.h), "button", color=fill))
    _add_words(layers, boxes, "cta", words.button, on_fill)

    raster = ground.copy()
    for layer in layers:
        blend(raster, layer.pixels, layer.x, layer.y, linear=layer.name == "product")
    edge = _border(raster)
    if edge:
        layers.append(edge)
        blend(raster, edge.pixels, 0, 0, linear=False)
    layers.insert(0, Layer("backdrop", 0, 0, _opaque(ground)))
    measures = _measures(ground, boxes, fill, words, subhead is not None)
    measures |= {
        "product_max_abs_diff": float(max_abs_diff(raster, pixels, x, y)),
        "product_scale": pixels.shape[0] / product.shape[0],
        "backdrop_scale": enlarged,
        "scrim_strength": reading.strength,
    }
    return Ad(size, raster, tuple(boxes), measures, tuple(layers))


def _texts(fonts: Fonts, copy: Copy, where: str) -> tuple[Text, Text | None, Text]:
    for name, words in (("headline", copy.headline), ("button", copy.cta)):
        if not words.strip():
            raise DoesNotFit(f"{where}, {name}: there are no words; every ad needs a headline and a button")
    headline = Text(fonts, copy.headline, HEADLINE, "headline", where)
    subhead = Text(fonts, copy.subhead, SUBHEAD, "subhead", where) if copy.subhead.strip() else None
    return headline, subhead, Text(fonts, copy.cta, BUTTON, "button", where)


def _aspect(picture: Bytes) -> float:
    return picture.shape[1] / picture.shape[0]


def _word_rects(words: CopySetting, made: Plan, *, apart: bool) -> list[Rect]:
    """Where contrast has to hold: under the words, and under the logo where it stands beside them."""
    rects = [words.headline.rect] + ([words.subhead.rect] if words.subhead else [])
    return rects if apart and made.logo.y > made.shade.bottom else [*rects, made.logo]


def _product_place(product: Bytes, made: Plan, how: Stance, size: AdSize) -> Rect:
    """The product as large as its room allows, on the ground if it stands, in the middle if it hangs."""
    room, aspect = made.product, _aspect(product)
    scale = min(room.w / product.shape[1], room.h / product.shape[0], _MOST_ENLARGED)
    wide, tall = round(scale * product.shape[1]), round(scale * product.shape[0])
    if min(wide, tall) < 12:
        raise DoesNotFit(
            f"{size.key}, product: a picture of aspect {aspect:.2f} would be {wide} x {tall} px in a box of "
            f"{room.w:.0f} x {room.h:.0f} px, too small to be seen; use a cut-out of another shape"
        )
    free_y = (room.h - tall) * (1.0 if how.stands else 0.5)
    return Rect(round(room.x + (room.w - wide) / 2), round(room.y + free_y), wide, tall)


def _add_logo(
    layers: list[Layer], boxes: list[Box], logo: Bytes, made: Plan, ground: Bytes, kit: Kit, ink: str
) -> None:
    room, aspect = made.logo, _aspect(logo)
    tall = min(room.h, room.w / aspect, logo.shape[0] * _MOST_ENLARGED)
    wide = max(1, round(tall * aspect))
    tall = max(1, round(tall))
    free = {"left": 0.0, "center": 0.5, "right": 1.0}[made.logo_align] * (room.w - wide)
    x, y = round(room.x + free), round(room.y + (room.h - tall) / 2)
    shown = mark(resample(logo, wide, tall), ground, x, y, kit, ink)
    layers.extend(shown)
    boxes.append(Box("logo", x, y, wide, tall, "logo"))


def _add_words(layers: list[Layer], boxes: list[Box], name: str, setting: Setting, color: str) -> None:
    text = setting.text
    ink = draw(text, setting.lines, setting.px, color, setting.x, setting.y, setting.w, setting.align)
    layers.append(Layer(name, ink.x, ink.y, ink.pixels))
    tall, wide = ink.pixels.shape[:2]
    bold = text.fonts.bold(text.style.role)
    boxes.append(Box(name, ink.x, ink.y, wide, tall, "type", setting.px, color, bold))


def _button_colours(kit: Kit, under: Bytes, ink: str) -> tuple[str, str]:
    """Fill and words of the button: the accent, or the text colour where the accent would drown in the backdrop."""
    fill = kit.colors["accent"]
    seen = float(np.median(contrast(luminance(under.reshape(-1, 3)), luminance_of(fill))))
    distance = np.abs(np.median(under.reshape(-1, 3), axis=0) - np.array(rgb(fill))).sum()
    if seen < 1.3 and distance < 110:
        fill = ink
    options = [kit.colors[role] for role in ("on_accent", "ink", "paper")]
    clear = [c for c in options if contrast(luminance_of(fill), luminance_of(c)) >= 4.5]
    best = max(options, key=lambda c: float(contrast(luminance_of(fill), luminance_of(c))))
    return fill, clear[0] if clear else best


def _pill(rect: Rect, fill: str) -> Layer:
    w, h = int(rect.w), int(rect.h)
    pixels = np.zeros((h, w, 4), np.uint8)
    paint = skia.Paint(AntiAlias=True, Color=skia.ColorBLACK)
    skia.Surface(pixels).getCanvas().drawRoundRect(skia.Rect.MakeWH(w, h), h / 2, h / 2, paint)
    pixels[..., :3] = rgb(fill)
    return Layer("button", int(rect.x), int(rect.y), pixels)


def _border(raster: Bytes) -> Layer | None:
    """A hairline around the ad where one of its edges would vanish on a white page."""
    edges = (raster[0], raster[-1], raster[:, 0], raster[:, -1])
    if all(np.percentile(contrast(luminance(edge), 1.0), 25) > 1.25 for edge in edges):
        return None
    pixels = np.zeros((*raster.shape[:2], 4), np.uint8)
    for line in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        line[:] = (60, 60, 66, 90)
    return Layer("border", 0, 0, pixels)


def _opaque(picture: Bytes) -> Bytes:
    return np.concatenate([picture, np.full((*picture.shape[:2], 1), 255, np.uint8)], axis=-1)


def _measures(
    ground: Bytes, boxes: list[Box], fill: str, words: CopySetting, had_subhead: bool
) -> dict[str, float]:
    measures: dict[str, float] = {"subhead_dropped": float(had_subhead and words.subhead is None)}
    for box in boxes:
        if box.kind != "type":
            continue
        under = ground[box.y : box.bottom, box.x : box.right]
        if box.name == "cta":
            under = np.array([[rgb(fill)]], np.uint8)
        measures[f"contrast_{box.name}"] = round(worst_contrast(under, box.color), 3)
        measures[f"{box.name}_px"] = box.font_px
    return measures
