"""Where things go, per family and side, before any word is measured: rectangles in pixels of the ad."""

from __future__ import annotations

from dataclasses import replace

from dco.compose.rooms import BUTTON_PAD_EM, BUTTON_TALL_EM, Plan, Rect, Shapes
from dco.compose.sizes import AdSize
from dco.compose.spot import Side, across
from dco.compose.typeset import Align

_FOOT = 0.93
"""Nothing stands lower than this part of the height, so that a strip of ground shows below it."""


def plan(size: AdSize, side: Side, shapes: Shapes) -> Plan:
    """The layout of a size: copy on `side`, product on the other; 'center' sets copy on top and the product below."""
    made: Plan | None
    if size.family == "banner":
        made = _banner(size, side, shapes)
    elif size.family == "tower":
        made = _tower(size, side, shapes)
    elif size.family == "portrait":
        made = _beside(size, side, shapes) if side != "center" else None
        made = made or _stack(size, side, shapes)
    elif side == "center":
        made = _row(size, shapes) if size.width > 3 * size.height else _flank(size, shapes)
    else:
        made = _columns(size, shapes)
    return _mirror(made, size) if side == "right" and size.family in ("square", "wide") else made


def _foot(size: AdSize) -> float:
    """Where products stand. Pixels from the top."""
    return min(_FOOT * size.height, float(size.height - size.safe_px.bottom))


def _mirror(made: Plan, size: AdSize) -> Plan:
    """The other way round; a logo over a column of copy stays on that column's left edge."""
    flip = {"l": "r", "r": "l"}
    width = float(size.width)
    copy = made.copy.mirrored(width)
    return replace(
        made,
        copy=copy,
        product=made.product.mirrored(width),
        logo=made.logo._replace(x=copy.x),
        shade=made.shade.mirrored(width),
        button=made.button.mirrored(width) if made.button else None,
        edges="".join(flip.get(e, e) for e in made.edges),
    )


def _columns(size: AdSize, shapes: Shapes) -> Plan:
    """Logo, headline, subhead and button in one column; the product stands in the other, where scenes leave it room."""
    w, h, s = size.width, size.height, size.safe_px
    short = min(w, h)
    middle, top = across("left", w, h) * w, 0.085 * h
    tall = (_foot(size) if shapes.stands else 0.9 * h) - top
    half = min(0.185 * w, w - s.right - middle, tall * shapes.product / 2)
    split = min(0.56 * w, middle - half - 0.022 * w)
    logo = _logo_room(s.left, s.top, split - 1.6 * s.left, short, shapes)
    below = logo.bottom + 0.055 * short
    return Plan(
        copy=Rect(s.left, below, split - s.left, h - s.bottom - below),
        product=Rect(middle - half, top, 2 * half, tall),
        logo=logo,
        shade=Rect(0, 0, split, h),
        edges="ltb",
        feather=0.2 * w,
        align="left",
        most_lines=(5, 4) if size.family == "square" else (4, 3),
    )


def _row(size: AdSize, shapes: Shapes) -> Plan:
    """Where height is short: logo and copy in a column, the product in the middle, the button on its other side."""
    w, h, s = size.width, size.height, size.safe_px
    tall = min(_foot(size) - 0.1 * h, 0.3 * w / shapes.product)
    wide, gap = tall * shapes.product, 0.03 * w
    product = Rect((w - wide) / 2, _foot(size) - tall, wide, tall)
    wing = product.x - gap - s.left
    logo = _logo_room(s.left, s.top, 0.8 * wing, h, shapes)
    below = logo.bottom + 0.055 * h
    button_tall = 0.42 * size.max_headline_px * BUTTON_TALL_EM
    return Plan(
        copy=Rect(s.left, below, wing, h - s.bottom - below),
        product=product,
        logo=logo,
        shade=Rect(0, 0, s.left + wing, h),
        edges="ltb",
        feather=0.12 * w,
        align="left",
        button=Rect(product.right + gap, (h - button_tall) / 2, wing, button_tall),
        button_align="right",
        most_lines=(3, 2),
    )


def _flank(size: AdSize, shapes: Shapes) -> Plan:
    """Copy centred on top, the product below it with the logo to its left and the button to its right."""
    w, h, s = size.width, size.height, size.safe_px
    tall = min((0.56 if size.family == "square" else 0.54) * h, 0.4 * w / shapes.product)
    wide = tall * shapes.product
    product = Rect((w - wide) / 2, _foot(size) - tall, wide, tall)
    gap = 0.03 * w
    wing = product.x - gap - s.left
    px = min(0.34 * size.max_headline_px, wing / (shapes.button_em + 2 * BUTTON_PAD_EM))
    if px < max(size.min_font_px, 0.25 * size.max_headline_px):
        return _shelf(size, shapes)
    logo_tall = min(
        0.085 * min(w, h) * max(1.0, 1.9 - shapes.logo / 4), 0.9 * wing / shapes.logo, 0.24 * w / shapes.logo
    )
    button_tall = px * BUTTON_TALL_EM
    base = product.bottom - 0.04 * h
    return Plan(
        copy=Rect(s.left, s.top, w - s.left - s.right, product.y - s.top - 0.045 * h),
        product=product,
        logo=Rect(s.left, base - button_tall / 2 - logo_tall / 2, wing, logo_tall),
        shade=Rect(0, 0, w, product.y - 0.02 * h),
        edges="ltr",
        feather=0.3 * h,
        align="center",
        button=Rect(product.right + gap, base - button_tall, wing, button_tall),
        button_align="right",
        most_lines=(3, 2) if size.family == "square" else (2, 2),
    )


def _shelf(size: AdSize, shapes: Shapes) -> Plan:
    """Where a flank is too narrow: copy on top, below it the product, and beside that the logo over the button."""
    w, h, s = size.width, size.height, size.safe_px
    px = max(float(size.min_font_px), 0.3 * size.max_headline_px)
    column = min(max(px * (shapes.button_em + 2 * BUTTON_PAD_EM), 0.3 * w), 0.5 * w)
    gap = 0.05 * w
    tall = min(0.52 * h, (w - s.left - s.right - gap - column) / shapes.product)
    wide = tall * shapes.product
    x = (w - wide - gap - column) / 2
    product = Rect(x, _foot(size) - tall, wide, tall)
    button_tall = px * BUTTON_TALL_EM
    logo_tall = min(0.12 * h, 0.82 * column / shapes.logo)
    group = logo_tall + 0.07 * h + button_tall
    y = product.bottom - 0.01 * h - group
    top = min(product.y, y) - 0.05 * h
    return Plan(
        copy=Rect(s.left, s.top, w - s.left - s.right, top - s.top),
        product=product,
        logo=Rect(product.right + gap, y, column, logo_tall),
        shade=Rect(0, 0, w, h),
        edges="ltrb",
        feather=0.3 * h,
        align="center",
        button=Rect(product.right + gap, y + group - button_tall, column, button_tall),
        button_align="center",
        logo_align="center",
        most_lines=(3, 2),
    )


def _beside(size: AdSize, side: Side, shapes: Shapes) -> Plan | None:
    """Logo, headline and subhead on top; below them the product where scenes leave it room, the button on its other side.

    None where button or product would be cramped.
    """
    w, h, s = size.width, size.height, size.safe_px
    middle = across("left", w, h) * w
    tall = min(0.53 * h, 0.57 * (h - s.top - s.bottom), 2 * (w - s.right - middle) / shapes.product)
    wide = tall * shapes.product
    product = Rect(middle - wide / 2, _foot(size) - tall, wide, tall)
    wing = product.x - 0.045 * w - s.left
    px = min(0.32 * size.max_headline_px, wing / (shapes.button_em + 2 * BUTTON_PAD_EM))
    if px < 0.22 * size.max_headline_px or tall < 0.3 * h:
        return None
    logo = _logo_room(s.left, s.top, w - s.left - s.right, w, shapes)
    top, button_tall = logo.bottom + 0.05 * w, px * BUTTON_TALL_EM
    made = Plan(
        copy=Rect(s.left, top, w - s.left - s.right, product.y - 0.045 * w - top),
        product=product,
        logo=logo,
        shade=Rect(0, 0, w, product.y - 0.03 * w),
        edges="ltr",
        feather=0.22 * h,
        align="left",
        button=Rect(s.left, product.bottom - 0.02 * h - button_tall, wing, button_tall),
    )
    return made if side == "left" else replace(_mirror(made, size), button_align="right")


def _stack(size: AdSize, side: Side, shapes: Shapes) -> Plan:
    """Logo, headline, subhead and button from the top; the product large at the bottom."""
    w, h, s = size.width, size.height, size.safe_px
    inner = w - s.left - s.right
    tall = min(0.53 * (h - s.top - s.bottom), 0.46 * h, inner * 0.9 / shapes.product)
    wide = tall * shapes.product
    x = min(max(across(side, w, h) * w - wide / 2, s.left), w - s.right - wide)
    product = Rect(x, _foot(size) - tall, wide, tall)
    logo = _logo_room(s.left, s.top, inner, w, shapes)
    top = logo.bottom + 0.05 * w
    align: Align = "center" if side == "center" else "left"
    return Plan(
        copy=Rect(s.left, top, inner, product.y - 0.045 * w - top),
        product=product,
        logo=logo,
        shade=Rect(0, 0, w, product.y - 0.03 * w),
        edges="ltr",
        feather=0.22 * h,
        align=align,
        logo_align=align,
        button_align=align,
        most_lines=(4, 3),
    )


def _tower(size: AdSize, side: Side, shapes: Shapes) -> Plan:
    """Logo, headline and subhead on top, the product below, the button across the foot."""
    w, h, s = size.width, size.height, size.safe_px
    inner = float(w - s.left - s.right)
    button_tall = min(0.23 * w, 0.078 * h)
    button = Rect(s.left, h - s.bottom - button_tall, inner, button_tall)
    tall = min(0.4 * h, inner * 0.94 / shapes.product)
    wide = tall * shapes.product
    x = min(max(across(side, w, h) * w - wide / 2, s.left), w - s.right - wide)
    product = Rect(x, button.y - 0.045 * h - tall, wide, tall)
    logo = _logo_room(s.left, s.top + 0.01 * h, inner, min(1.5 * w, 0.6 * h), shapes)
    top = logo.bottom + 0.035 * h
    align: Align = "center" if side == "center" else "left"
    return Plan(
        copy=Rect(s.left, top, inner, product.y - 0.03 * h - top),
        product=product,
        logo=logo,
        shade=Rect(0, 0, w, product.y - 0.03 * h),
        edges="ltr",
        feather=0.2 * h,
        align=align,
        anchor=0.28,
        button=button,
        button_align="center",
        stretch=True,
        logo_align=align,
        most_lines=(7, 6),
        calm=0.6,
    )


def _banner(size: AdSize, side: Side, shapes: Shapes) -> Plan:
    """One row: logo, copy, button, product; with copy right the product leads, with copy centred it follows the logo."""
    w, h, s = size.width, size.height, size.safe_px
    inner = h - s.top - s.bottom
    air = 0.022 * w
    product_wide = min(inner * (1.0 if shapes.stands else 0.96) * shapes.product, 0.2 * w)
    logo_wide = min(0.16 * w, 0.42 * inner * shapes.logo, 0.8 * inner * max(1.0, shapes.logo))
    px = max(size.min_font_px, round(0.18 * h))
    pad = BUTTON_PAD_EM if h > 60 else 0.8
    button_wide = min(px * (shapes.button_em + 2 * pad), 0.3 * w)
    button_tall = min(px * BUTTON_TALL_EM, inner)
    left, end = s.left + 0.5 * air, w - s.right - 0.5 * air
    if side == "right":
        product = Rect(left, s.top, product_wide, inner)
        logo = Rect(product.right + air, s.top, logo_wide, inner)
        start = logo.right + air
    elif side == "center":
        logo = Rect(left, s.top, logo_wide, inner)
        product = Rect(logo.right + air, s.top, product_wide, inner)
        start = product.right + air
    else:
        logo = Rect(left, s.top, logo_wide, inner)
        product = Rect(end - product_wide, s.top, product_wide, inner)
        start, end = logo.right + air, product.x - air
    button = Rect(end - button_wide, (h - button_tall) / 2, button_wide, button_tall)
    shade_from = {"left": 0.0, "center": 0.0, "right": logo.x - air}[side]
    shade_to = button.right + air if side == "left" else float(w)
    return Plan(
        copy=Rect(start, s.top + 1, button.x - air - start, inner - 2),
        product=product,
        logo=logo,
        shade=Rect(shade_from, 0, shade_to - shade_from, h),
        edges={"left": "ltb", "center": "lrtb", "right": "rtb"}[side],
        feather=0.08 * w,
        align="left",
        anchor=0.5,
        button=button,
        button_align="center",
        stretch=True,
        most_lines=(3, 2),
    )


def _logo_room(x: float, y: float, width: float, scale: float, shapes: Shapes) -> Rect:
    """Room for a logo: a wide wordmark gets less height than a round badge, so that both weigh about the same."""
    tall = 0.115 * scale * max(0.62, min(1.35, 1.9 / max(shapes.logo, 0.2)))
    tall = min(tall, 0.72 * width / max(shapes.logo, 0.2), 0.36 * scale / max(shapes.logo, 0.2))
    return Rect(x, y, width, tall)
