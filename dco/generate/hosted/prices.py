"""What hosted pictures cost: the provider's price list of a date, or the prices a user states. Unknown is not zero."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from dco.errors import BadInput

SOURCE = "https://developers.openai.com/api/docs/pricing and the pages of the models"
AS_OF = "2026-11-23"
CURRENCY = "USD"


class TokenPrices(NamedTuple):
    """Micros per million tokens. Cached input is cheaper; it is not told apart, so that a cost is never understated."""

    text_in: int
    image_in: int
    image_out: int


_GPT_2 = TokenPrices(5_000_000, 8_000_000, 30_000_000)
TOKENS: Mapping[str, TokenPrices] = {
    "gpt-image-2": _GPT_2,
    "gpt-image-2.5-flare": _GPT_2,
    "gpt-image-2.5-sunburst": _GPT_2,
    "gpt-image-2.6-flare": _GPT_2,
    "gpt-image-2.6-sunburst": _GPT_2,
    "gpt-image-1-mini": TokenPrices(2_000_000, 2_500_000, 8_000_000),
}
"""By model; a dated snapshot costs what its model costs."""

PICTURES: Mapping[tuple[str, str, str], int] = {
    ("gpt-image-1-mini", quality, size): micros
    for quality, square, oblong in (("low", 5_000, 6_000), ("medium", 11_000, 15_000), ("high", 36_000, 52_000))
    for size, micros in (("1024x1024", square), ("1536x1024", oblong), ("1024x1536", oblong))
}  # fmt: skip
"""(model, quality, size) -> micros of the picture itself, for answers that do not count their tokens."""

_ENTRY = re.compile(r"\s*(\*|\d+x\d+)\s*/\s*(\*|[A-Za-z]+)\s*=\s*(\d{1,12})\s*")
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True)
class Prices:
    """How one backend's pictures are priced.

    `stated` maps (size, quality) to micros, either of which may be "*"; it goes before everything else. `listed` says
    that the provider's own list applies.
    """

    stated: Mapping[tuple[str, str], int]
    currency: str
    listed: bool

    def of(self, model: str, size: str, quality: str, usage: Any = None) -> int | None:
        """Micros of one picture, None when they are not known.

        Args:
            usage: the answer's count of tokens, as the API's client reads it.
        """
        for key in ((size, quality), (size, "*"), ("*", quality), ("*", "*")):
            if key in self.stated:
                return self.stated[key]
        if not self.listed:
            return None
        name = _SNAPSHOT.sub("", model)
        counted = _counted(TOKENS.get(name), usage)
        return counted if counted is not None else PICTURES.get((name, quality, size))


def parse_prices(text: str) -> dict[tuple[str, str], int]:
    """Read '1024x1024/high=167000, */*=50000': size/quality = micros, '*' for any.

    Raises:
        BadInput: names the entry that cannot be read.
    """
    prices: dict[tuple[str, str], int] = {}
    for entry in filter(str.strip, text.split(",")):
        match = _ENTRY.fullmatch(entry)
        if not match:
            raise BadInput(
                f"backend option prices: expected SIZE/QUALITY=MICROS such as '1024x1024/high=167000, */*=50000', "
                f"got {entry.strip()!r}"
            )
        size, quality, micros = match.groups()
        prices[size, quality] = int(micros)
    return prices


def _counted(prices: TokenPrices | None, usage: Any) -> int | None:
    details = getattr(usage, "input_tokens_details", None)
    counts = (
        getattr(details, "text_tokens", None),
        getattr(details, "image_tokens", None),
        getattr(usage, "output_tokens", None),
    )
    known = [n for n in counts if isinstance(n, int) and 0 <= n < 10**9]
    if prices is None or len(known) < len(counts):
        return None
    micros = sum(n * price for n, price in zip(known, prices, strict=True)) / 1_000_000
    # An answer that counts no token for a picture counts nothing.
    return math.ceil(micros) if known[2] else None
