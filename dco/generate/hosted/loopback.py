"""Which addresses are this machine itself."""

from __future__ import annotations

import re


def is_loopback(host: str) -> bool:
    """True for this machine, by its usual names. A name that a resolver decides about is not taken at its word.

    >>> is_loopback("127.0.0.1"), is_loopback("127.0.0.1.example.com")
    (True, False)
    """
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None
