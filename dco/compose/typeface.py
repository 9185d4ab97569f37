"""Fonts from bytes alone: the system's font configuration is never asked, so that pixels are equal on every machine."""

from __future__ import annotations

from functools import cache

import skia


@cache
def _manager() -> skia.FontMgr:
    # `Typeface.MakeFromData` would start the system's fontconfig, which also complains on stderr about files it
    # does not understand.
    return skia.FontMgr.New_Custom_Empty()


def face(data: bytes) -> skia.Typeface | None:
    """The typeface in TrueType or OpenType bytes; None when they are no font."""
    return _manager().makeFromData(skia.Data.MakeWithCopy(data))
