"""The ad name, the one identifier every platform reports back: `{campaign}|{segment}|{arm_id}|{size}`."""

from __future__ import annotations

import re
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from dco.errors import BadData
from dco.records import ARM_ID_PATTERN

SEPARATOR = "|"
_ARM = rf"(?:^|[^0-9A-Za-z])(?P<arm>{ARM_ID_PATTERN})(?:[^0-9A-Za-z]|$)"
_SIZE = r"\|[ ]*(?P<size>[1-9]\d{0,4}x[1-9]\d{0,4})(?:[^0-9A-Za-z]|$)"
_SIZE_CELL = re.compile(r"([1-9]\d{0,4}) ?[x×] ?([1-9]\d{0,4})")


class AdName(NamedTuple):
    """An ad name taken apart."""

    campaign: str
    segment: str
    arm_id: str
    size: str


def ad_name(campaign: str, segment: str, arm_id: str, size: str) -> str:
    """The name to give an ad. Raises BadData where the parts would not come back unchanged.

    >>> ad_name("spring", "hikers", "dco0123456789abcdef", "300x250")
    'spring|hikers|dco0123456789abcdef|300x250'
    """
    for what, part in (("campaign", campaign), ("segment", segment)):
        if not part or part != part.strip() or re.search(r"[|\x00-\x1f\x7f\u2028\u2029\x85]", part):
            raise BadData(
                f"ad name: {what} {part!r} must be non-empty text without '|', line breaks or outer blanks"
            )
    if not re.fullmatch(ARM_ID_PATTERN, arm_id):
        raise BadData(f"ad name: {arm_id!r} is no arm id (expected 'dco' and 16 hex digits)")
    if not re.fullmatch(r"[1-9]\d{0,4}x[1-9]\d{0,4}", size, re.ASCII):
        raise BadData(f"ad name: size {size!r} is not like 300x250")
    return SEPARATOR.join((campaign, segment, arm_id, size))


def parse_ad_name(name: str) -> AdName | None:
    """The parts of an ad name that dco gave, or None for anybody else's."""
    parts = name.split(SEPARATOR)
    if len(parts) != 4:
        return None
    parsed = AdName(*parts)
    try:
        ad_name(*parsed)
    except BadData:
        return None
    return parsed


def found_in(ad: pa.Array) -> tuple[pa.Array, pa.Array]:
    """(arm ids, sizes) found in ad names, null where there is none; platforms append words like ' - Copy'."""
    encoded = pc.dictionary_encode(ad)  # one name stands in many rows
    arm = pc.struct_field(pc.extract_regex(encoded.dictionary, _ARM), "arm")
    size = pc.struct_field(pc.extract_regex(encoded.dictionary, _SIZE), "size")
    size = pc.if_else(pc.is_valid(arm), size, pa.scalar(None, pa.string()))
    return arm.take(encoded.indices), size.take(encoded.indices)


def tidy_size(sizes: pa.Array) -> pa.Array:
    """'300 x 250' and '300×250' -> '300x250'; anything that is no pixel size ('Responsive') -> null."""
    encoded = pc.dictionary_encode(sizes)
    words = [_SIZE_CELL.fullmatch(w.strip()) for w in encoded.dictionary.to_pylist()]
    tidy = pa.array([f"{m[1]}x{m[2]}" if m else None for m in words], pa.string())
    return tidy.take(encoded.indices)
