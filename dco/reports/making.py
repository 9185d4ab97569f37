"""What pictures took, in words: counts, time, energy as an estimate, and money only where it is known."""

from __future__ import annotations

from dco.records import Making
from dco.reports import words

NOT_KNOWN = "not known"
CENT = 10_000
"""Micros."""


def counts(making: Making) -> str:
    """How many pictures there were.

    >>> counts(Making(made=3, cached=2, refused=1))
    '3 pictures made, 2 from the cache, 1 refused'
    """
    parts = [f"{words.plural(making.made, 'picture')} made"]
    parts += [f"{making.cached} from the cache"] if making.cached else []
    parts += [f"{making.refused} refused"] if making.refused else []
    return ", ".join(parts)


def energy(making: Making) -> str:
    """Watt-hours, labelled as what they are.

    >>> energy(Making(made=1, watt_hours=0.0123)), energy(Making(made=1, watt_hours=1234.0)), energy(Making(made=1))
    ('about 0.012 Wh (estimate)', 'about 1.2 kWh (estimate)', 'not known')
    """
    if making.watt_hours is None:
        return NOT_KNOWN
    large = making.watt_hours >= 1000
    amount = making.watt_hours / 1000 if large else making.watt_hours
    return f"about {amount:.2g} {'kWh' if large else 'Wh'} (estimate)"


def price(making: Making) -> str:
    """What providers charged. A price that is not known is never 0, and neither is a small one.

    >>> price(Making(made=2, money=(("USD", 80_000),))), price(Making(made=2, unpriced=2)), price(Making(cached=1))
    ('$0.08', 'not known', 'nothing made')
    >>> price(Making(made=2, money=(("USD", 80_000),), unpriced=1))
    '$0.08, and 1 picture of a price not known'
    >>> price(Making(made=1, money=(("EUR", 900),)))
    'under €0.01'
    """
    if not making.made:
        return "nothing made"
    known = " + ".join(_amount(micros, currency) for currency, micros in making.money)
    if not known:
        return NOT_KNOWN
    rest = words.plural(making.unpriced, "picture")
    return known + (f", and {rest} of a price {NOT_KNOWN}" if making.unpriced else "")


def _amount(micros: int, currency: str) -> str:
    """Less than a cent is not nothing."""
    return f"under {words.money(CENT, currency)}" if 0 < micros < CENT else words.money(micros, currency)


def sentence(making: Making) -> str:
    """All of it on one line.

    >>> sentence(Making(made=2, seconds=5.0, watt_hours=0.02, unpriced=2))
    '2 pictures made; 5.0 s of drawing; energy about 0.02 Wh (estimate); price not known'
    """
    if not making.made:
        return counts(making)
    return (
        f"{counts(making)}; {words.duration(making.seconds)} of drawing; "
        f"energy {energy(making)}; price {price(making)}"
    )
