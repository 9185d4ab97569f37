"""How large the words can be set in the room a layout gives them, found by bisection; or why they cannot."""

from __future__ import annotations

from dataclasses import dataclass

from dco.compose.layout import BUTTON_PAD_EM, BUTTON_TALL_EM, Plan, Rect
from dco.compose.sizes import AdSize
from dco.compose.typeset import Align, Text
from dco.errors import DoesNotFit

SUBHEAD_RATIO = 0.45
BUTTON_RATIO = 0.38
GAP_SUBHEAD = 0.42
GAP_BUTTON = 0.62
_STEP = 0.5
"""Type sizes are multiples of half a pixel."""


@dataclass(frozen=True)
class Setting:
    """One text at its size and place: lines with the top of their capitals at y, between x and x + w."""

    text: Text
    lines: tuple[str, ...]
    px: float
    x: float
    y: float
    w: float
    align: Align

    @property
    def rect(self) -> Rect:
        """The room of the lines, from capital top to lowest ink."""
        wide = max(self.text.fonts.width(line, self.text.style) for line in self.lines) * self.px
        free = {"left": 0.0, "center": 0.5, "right": 1.0}[self.align] * (self.w - wide)
        return Rect(self.x + free, self.y, wide, self.text.height(self.px, self.lines))


@dataclass(frozen=True)
class CopySetting:
    """All words of an ad, placed. `subhead` is None where there is none or it was left out."""

    headline: Setting
    subhead: Setting | None
    button: Setting
    pill: Rect


def fit(size: AdSize, made: Plan, headline: Text, subhead: Text | None, button: Text) -> CopySetting:
    """Place headline, subhead and button as large as the layout allows.

    Raises:
        DoesNotFit: headline or button (or, on large sizes, the subhead) is too long even at the smallest type.
    """
    apart = _apart(size, made, button) if made.button else None
    inner = None if apart else button
    for sub in (subhead, None) if subhead and size.subhead_optional else (subhead,):
        px = _largest(size, made, headline, sub, inner)
        if px is not None:
            return _place(size, made, px, headline, sub, button, apart)
    raise _explain(size, made, headline, None if size.subhead_optional else subhead, inner)


def _largest(size: AdSize, made: Plan, headline: Text, sub: Text | None, inner: Text | None) -> float | None:
    """The largest headline size at which everything in the copy room fits; the rest follows from it."""
    low, high = round(size.min_headline_px / _STEP), round(size.max_headline_px / _STEP)
    if _group(size, made, low * _STEP, headline, sub, inner) is None:
        return None
    while low < high:
        middle = (low + high + 1) // 2
        if _group(size, made, middle * _STEP, headline, sub, inner) is None:
            high = middle - 1
        else:
            low = middle
    return low * _STEP


@dataclass(frozen=True)
class _Group:
    head: tuple[str, ...]
    sub: tuple[str, ...]
    sub_px: float
    button_px: float
    tall: float


def _group(
    size: AdSize, made: Plan, px: float, headline: Text, sub: Text | None, inner: Text | None
) -> _Group | None:
    """Lines and height of the whole group at a headline size; None where it does not fit its room."""
    width = made.copy.w
    head = headline.lines(px, width, made.most_lines[0])
    if head is None:
        return None
    tall = headline.height(px, head)
    sub_px, sub_lines, button_px = 0.0, (), 0.0
    if sub:
        sub_px = subhead_px(size, px)
        found = sub.lines(sub_px, width, made.most_lines[1])
        if found is None:
            return None
        sub_lines = found
        tall += round(GAP_SUBHEAD * px) + sub.height(sub_px, sub_lines)
    if inner:
        wanted = max(size.min_font_px, BUTTON_RATIO * px)
        button_px = min(wanted, width / (inner.width + 2 * BUTTON_PAD_EM))
        if button_px < size.min_font_px:
            return None
        tall += round(GAP_BUTTON * px) + round(BUTTON_TALL_EM * button_px)
    return _Group(head, sub_lines, sub_px, button_px, tall) if tall <= made.copy.h else None


def subhead_px(size: AdSize, px: float) -> float:
    """Size of the subhead beside a headline of that size."""
    return max(float(size.min_font_px), round(SUBHEAD_RATIO * px / _STEP) * _STEP)


def _place(
    size: AdSize,
    made: Plan,
    px: float,
    headline: Text,
    sub: Text | None,
    button: Text,
    apart: tuple[float, Rect] | None,
) -> CopySetting:
    group = _group(size, made, px, headline, sub, None if apart else button)
    assert group is not None
    room = made.copy
    free = room.h - group.tall
    y = round(room.y + free * {"top": 0.0, "middle": 0.44, "bottom": 1.0}[made.anchor])
    if size.family == "banner":
        y = round(room.y + free / 2)
    head = Setting(headline, group.head, px, room.x, y, room.w, made.align)
    y = round(y + headline.height(px, group.head))
    below = None
    if sub:
        y += round(GAP_SUBHEAD * px)
        below = Setting(sub, group.sub, group.sub_px, room.x, y, room.w, made.align)
        y = round(y + sub.height(group.sub_px, group.sub))
    if apart:
        button_px, pill = apart
    else:
        button_px = group.button_px
        wide = button_px * (button.width + 2 * BUTTON_PAD_EM)
        free_x = {"left": 0.0, "center": 0.5, "right": 1.0}[made.button_align] * (room.w - wide)
        top = y + round(GAP_BUTTON * px)
        pill = Rect(round(room.x + free_x), top, round(wide), round(BUTTON_TALL_EM * button_px))
    return CopySetting(head, below, _words_of(button, button_px, pill), pill)


def _words_of(button: Text, px: float, pill: Rect) -> Setting:
    """The words in the optical middle of their pill: capitals, not line height, decide."""
    y = pill.y + (pill.h - button.cap * px) / 2
    rise = button.rise(px, (button.text,)) - button.cap * px
    return Setting(button, (button.text,), px, pill.x, round(y - rise), pill.w, "center")


def _apart(size: AdSize, made: Plan, button: Text) -> tuple[float, Rect]:
    """A button in a room of its own."""
    assert made.button is not None
    room = made.button
    need = button.width + 2 * BUTTON_PAD_EM
    px = min(room.h / BUTTON_TALL_EM, 0.5 * (size.min_headline_px + size.max_headline_px), room.w / need)
    px = int(px / _STEP) * _STEP
    if px < size.min_font_px:
        # A narrow room may spend its air before its type becomes too small to read.
        tight = room.w / (button.width + 1.0)
        if tight < size.min_font_px:
            raise DoesNotFit(
                f"{size.key}, button {button.text!r}: at the smallest allowed {size.min_font_px} px it needs "
                f"{size.min_font_px * (button.width + 1.0):.0f} px, there are {room.w:.0f} px; "
                "shorten it"
            )
        px = float(size.min_font_px)
    wide = room.w if made.stretch else min(room.w, px * need)
    tall = room.h if made.stretch else min(room.h, px * BUTTON_TALL_EM)
    free = {"left": 0.0, "center": 0.5, "right": 1.0}[made.button_align] * (room.w - wide)
    pill = Rect(round(room.x + free), round(room.y + (room.h - tall) / 2), round(wide), round(tall))
    return px, pill


def _explain(size: AdSize, made: Plan, headline: Text, sub: Text | None, inner: Text | None) -> DoesNotFit:
    """What is in the way, for a designer: box, needed, available, limit."""
    px, room = float(size.min_headline_px), made.copy
    where = f"{size.key}, headline {headline.text!r}"
    limit = f"the smallest allowed headline, {size.min_headline_px} px"
    if headline.longest_word * px > room.w:
        need = headline.longest_word * px
        return DoesNotFit(f"{where}: its longest word needs {need:.0f} px at {limit}; the box is {room.w:.0f} px wide; use shorter words")
    lines = headline.lines(px, room.w, made.most_lines[0])
    if lines is None:
        return DoesNotFit(f"{where}: at {limit}, it needs more than {made.most_lines[0]} lines in a box {room.w:.0f} px wide; shorten it")
    if sub and sub.lines(subhead_px(size, px), room.w, made.most_lines[1]) is None:
        return DoesNotFit(
            f"{size.key}, subhead {sub.text!r}: at {subhead_px(size, px):.0f} px it needs more than "
            f"{made.most_lines[1]} lines in a box {room.w:.0f} px wide; shorten it"
        )
    if inner and size.min_font_px * (inner.width + 2 * BUTTON_PAD_EM) > room.w:
        need = size.min_font_px * (inner.width + 2 * BUTTON_PAD_EM)
        return DoesNotFit(f"{size.key}, button {inner.text!r}: at the smallest allowed {size.min_font_px} px it needs {need:.0f} px; the box is {room.w:.0f} px wide; shorten it")
    tall = headline.height(px, lines)
    parts = "headline"
    if sub:
        sub_lines = sub.lines(subhead_px(size, px), room.w, made.most_lines[1]) or ()
        tall += GAP_SUBHEAD * px + sub.height(subhead_px(size, px), sub_lines)
        parts += ", subhead"
    if inner:
        tall += GAP_BUTTON * px + BUTTON_TALL_EM * size.min_font_px
        parts += " and button"
    return DoesNotFit(f"{where}: {parts} need {tall:.0f} px of height at {limit}; the box has {room.h:.0f} px; shorten the words")
