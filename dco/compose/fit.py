"""How the words break and how large they can be set in the room a layout gives them; or why they cannot.

Every breaking of the headline has a largest size, found by bisection, and a grade of how well it reads. The product of
both decides, so that fewer, whole lines win over slightly larger type.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from dco.compose.rooms import BUTTON_PAD_EM, BUTTON_TALL_EM, TIGHT_PAD_EM, Plan, Rect
from dco.compose.sizes import AdSize
from dco.compose.typeset import Align, Break, Text
from dco.compose.wrap import clauses, torn
from dco.errors import DoesNotFit

SUBHEAD_RATIO = 0.45
BUTTON_RATIO = 0.38
SUBHEAD_PART, BUTTON_PART = 0.036, 0.03
"""Subhead and button are set at these parts of the short side at least, as long as the headline keeps leading."""
_LEAD = 0.62
"""A subhead or button is never set larger than this part of the headline, save at the smallest type."""
GAP_SUBHEAD = 0.42
GAP_BUTTON = 0.62
OVERHANG_PX = 2.0
"""Ink may reach past a line's advance, a W by its slant and any letter by its antialiased edge: a pixel on each side."""
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
    wanted = (subhead, None) if subhead and size.subhead_optional else (subhead,)
    for sub, orphan in [(sub, orphan) for sub in wanted for orphan in (False, True)]:
        room = _Room(size, made, headline, sub, inner, orphan)
        found = _best(room)
        if found:
            return _place(room, *found, button, apart)
    raise _explain(size, made, headline, None if size.subhead_optional else subhead, inner)


@dataclass(frozen=True)
class _Room:
    """What has to be set in the copy room. `inner` is the button where it stands in the same room."""

    size: AdSize
    made: Plan
    headline: Text
    sub: Text | None
    inner: Text | None
    orphan: bool


@dataclass(frozen=True)
class _Group:
    head: tuple[str, ...]
    sub: tuple[str, ...]
    sub_px: float
    button_px: float
    tall: float


def _best(room: _Room) -> tuple[Break, float] | None:
    """The breaking of the headline, and its size, that say it largest and best; None where none fits."""
    found = []
    for way in room.headline.breaks[: room.made.most_lines[0]]:
        px = _largest(room, way) if room.orphan or not way.lone else None
        if px is not None:
            found.append((px * grade(way, room.made.calm), way, px))
    if not found:
        return None
    _, way, px = max(found, key=lambda f: f[0])
    return way, px


def grade(way: Break, calm: float) -> float:
    """How well a breaking reads, in (0, 1]: what its size is worth. `calm` weighs it against size.

    Lines cost, most of all from the fourth on; so do torn sentences and clauses, lines of one word, and lines of unlike
    width, except where each one is a sentence.
    """
    count, tears = len(way.lines), torn(way.lines)
    whole = not tears and all(re.search(r"[.!?…]\W*$", line) for line in way.lines)
    single = sum(" " not in line for line in way.lines) if count > 1 and not whole else 0
    cost = 0.03 * (count - 1) + 0.12 * max(0, count - 3) + 0.05 * single + 0.2 * way.lone
    cost += 0.0 if whole else 0.4 * way.spread
    cost += (0.3 * tears + 0.13 * clauses(way.lines)) * (1.0 if count > 1 else 0.2)
    return math.exp(-calm * cost)


def _largest(room: _Room, way: Break) -> float | None:
    """The largest headline size at which everything in the copy room fits; the rest follows from it."""
    low, high = round(room.size.min_headline_px / _STEP), round(room.size.max_headline_px / _STEP)
    if _group(room, way, low * _STEP) is None:
        return None
    while low < high:
        middle = (low + high + 1) // 2
        if _group(room, way, middle * _STEP) is None:
            high = middle - 1
        else:
            low = middle
    return low * _STEP


def _group(room: _Room, way: Break, px: float) -> _Group | None:
    """Lines and height of the whole group at a headline size; None where it does not fit its room."""
    size, copy, most = room.size, room.made.copy, room.made.most_lines
    head = way.lines
    if way.em * px > copy.w - OVERHANG_PX:
        return None
    tall = room.headline.height(px, head)
    sub_px, button_px = 0.0, 0.0
    sub_lines: tuple[str, ...] = ()
    if room.sub:
        sub_px = subhead_px(size, px)
        found = room.sub.lines(sub_px, copy.w - OVERHANG_PX, most[1], orphan=room.orphan)
        if found is None:
            return None
        sub_lines = found
        tall += round(GAP_SUBHEAD * px) + room.sub.height(sub_px, sub_lines)
    if room.inner:
        wanted = _beside(size, px, BUTTON_RATIO, BUTTON_PART)
        button_px = max(size.min_font_px, min(wanted, copy.w / (room.inner.width + 2 * BUTTON_PAD_EM)))
        if button_px * (room.inner.width + 2 * TIGHT_PAD_EM) > copy.w:
            return None
        tall += round(GAP_BUTTON * px) + round(BUTTON_TALL_EM * button_px)
    return _Group(head, sub_lines, sub_px, button_px, tall) if tall <= copy.h else None


def subhead_px(size: AdSize, px: float) -> float:
    """Size of the subhead beside a headline of that size."""
    return _beside(size, px, SUBHEAD_RATIO, SUBHEAD_PART)


def _beside(size: AdSize, px: float, ratio: float, part: float) -> float:
    wanted = max(ratio * px, min(part * min(size.width, size.height), _LEAD * px))
    return max(float(size.min_font_px), round(wanted / _STEP) * _STEP)


def _place(room: _Room, way: Break, px: float, button: Text, apart: tuple[float, Rect] | None) -> CopySetting:
    group, made, box = _group(room, way, px), room.made, room.made.copy
    assert group is not None
    y = round(box.y + (box.h - group.tall) * made.anchor)
    head = Setting(room.headline, group.head, px, box.x, y, box.w, made.align)
    y = round(y + room.headline.height(px, group.head))
    below = None
    if room.sub:
        y += round(GAP_SUBHEAD * px)
        below = Setting(room.sub, group.sub, group.sub_px, box.x, y, box.w, made.align)
        y = round(y + room.sub.height(group.sub_px, group.sub))
    if apart:
        button_px, pill = apart
    else:
        button_px = group.button_px
        wide = min(button_px * (button.width + 2 * BUTTON_PAD_EM), box.w)
        free_x = {"left": 0.0, "center": 0.5, "right": 1.0}[made.button_align] * (box.w - wide)
        top = y + round(GAP_BUTTON * px)
        pill = Rect(round(box.x + free_x), top, round(wide), round(BUTTON_TALL_EM * button_px))
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
    px = min(room.h / BUTTON_TALL_EM, room.w / need)
    px = int(px / _STEP) * _STEP
    if px < size.min_font_px:
        need = size.min_font_px * (button.width + 2 * TIGHT_PAD_EM)
        if need > room.w:
            small = f"at the smallest type, {size.min_font_px} px"
            raise _too_long(size, button, f"it needs {need:.0f} px", small, f"{room.w:.0f} px wide")
        px = float(size.min_font_px)
    wide = room.w if made.stretch else min(room.w, px * need)
    tall = room.h if made.stretch else min(room.h, px * BUTTON_TALL_EM)
    free = {"left": 0.0, "center": 0.5, "right": 1.0}[made.button_align] * (room.w - wide)
    pill = Rect(round(room.x + free), round(room.y + (room.h - tall) / 2), round(wide), round(tall))
    return px, pill


def _explain(size: AdSize, made: Plan, headline: Text, sub: Text | None, inner: Text | None) -> DoesNotFit:
    """What is in the way, for a designer: box, needed, available, limit."""
    px, box, most = float(size.min_headline_px), made.copy, made.most_lines
    limit = f"the smallest allowed headline, {px:.0f} px"
    head = headline.lines(px, box.w - OVERHANG_PX, most[0], orphan=True)
    if head is None:
        need = headline.longest_word * px
        what = (
            f"its longest word needs {need:.0f} px" if need > box.w else f"it needs more than {most[0]} lines"
        )
        return _too_long(size, headline, what, f"at {limit}", f"{box.w:.0f} px wide")
    tall, parts = headline.height(px, head), ["headline"]
    if sub:
        sub_px = subhead_px(size, px)
        lines = sub.lines(sub_px, box.w - OVERHANG_PX, most[1], orphan=True)
        if lines is None:
            return _too_long(
                size,
                sub,
                f"it needs more than {most[1]} lines",
                f"at {sub_px:.0f} px",
                f"{box.w:.0f} px wide",
            )
        tall += GAP_SUBHEAD * px + sub.height(sub_px, lines)
        parts.append("subhead")
    if inner:
        need = size.min_font_px * (inner.width + 2 * TIGHT_PAD_EM)
        if need > box.w:
            small = f"at the smallest type, {size.min_font_px} px"
            return _too_long(size, inner, f"it needs {need:.0f} px", small, f"{box.w:.0f} px wide")
        tall += GAP_BUTTON * px + BUTTON_TALL_EM * size.min_font_px
        parts.append("button")
    what = f"{' + '.join(parts)} need {tall:.0f} px of height"
    return _too_long(size, headline, what, f"at {limit}", f"{box.h:.0f} px high")


def _too_long(size: AdSize, text: Text, what: str, limit: str, room: str) -> DoesNotFit:
    return DoesNotFit(
        f"{size.key}, {text.name} {text.text!r}: {what} {limit}; the box is {room}; shorten the words"
    )
