"""How large the words can be set in the room a layout gives them, found by bisection; or why they cannot."""

from __future__ import annotations

from dataclasses import dataclass

from dco.compose.layout import BUTTON_PAD_EM, BUTTON_TALL_EM, Plan, Rect
from dco.compose.sizes import AdSize
from dco.compose.typeset import Align, Text, torn
from dco.errors import DoesNotFit

SUBHEAD_RATIO = 0.45
BUTTON_RATIO = 0.38
GAP_SUBHEAD = 0.42
GAP_BUTTON = 0.62
_TIGHT_PAD_EM = 0.55
"""The least air left and right of a button's words; a narrow room spends air before type becomes too small."""
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
        px = _largest(room)
        if px is not None:
            return _place(room, _calmer(room, px), button, apart)
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


def _largest(room: _Room) -> float | None:
    """The largest headline size at which everything in the copy room fits; the rest follows from it."""
    low, high = round(room.size.min_headline_px / _STEP), round(room.size.max_headline_px / _STEP)
    if _group(room, low * _STEP) is None:
        return None
    while low < high:
        middle = (low + high + 1) // 2
        if _group(room, middle * _STEP) is None:
            high = middle - 1
        else:
            low = middle
    return low * _STEP


def _calmer(room: _Room, px: float) -> float:
    """The largest size within a quarter of the largest that tears fewer sentences, else the largest within a fifth that
    sets the headline in fewer lines, else the largest."""
    most = _group(room, px)
    assert most is not None
    for least, better in (
        (0.75, lambda head: torn(head) < torn(most.head)),
        (0.8, lambda head: len(head) < len(most.head)),
    ):
        for step in range(
            round(px / _STEP), round(max(least * px, room.size.min_headline_px) / _STEP) - 1, -1
        ):
            group = _group(room, step * _STEP)
            if group and better(group.head):
                return step * _STEP
    return px


def _group(room: _Room, px: float) -> _Group | None:
    """Lines and height of the whole group at a headline size; None where it does not fit its room."""
    size, copy, most = room.size, room.made.copy, room.made.most_lines
    head = room.headline.lines(px, copy.w - OVERHANG_PX, most[0], orphan=room.orphan)
    if head is None:
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
        wanted = max(size.min_font_px, BUTTON_RATIO * px)
        button_px = max(size.min_font_px, min(wanted, copy.w / (room.inner.width + 2 * BUTTON_PAD_EM)))
        if button_px * (room.inner.width + 2 * _TIGHT_PAD_EM) > copy.w:
            return None
        tall += round(GAP_BUTTON * px) + round(BUTTON_TALL_EM * button_px)
    return _Group(head, sub_lines, sub_px, button_px, tall) if tall <= copy.h else None


def subhead_px(size: AdSize, px: float) -> float:
    """Size of the subhead beside a headline of that size."""
    return max(float(size.min_font_px), round(SUBHEAD_RATIO * px / _STEP) * _STEP)


def _place(room: _Room, px: float, button: Text, apart: tuple[float, Rect] | None) -> CopySetting:
    group, made, box = _group(room, px), room.made, room.made.copy
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
        need = size.min_font_px * (button.width + 2 * _TIGHT_PAD_EM)
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
        need = size.min_font_px * (inner.width + 2 * _TIGHT_PAD_EM)
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
