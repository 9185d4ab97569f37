"""dco: dynamic creative optimization that closes the loop, from brief to creatives that earn.

The public doors are loaded on first use (PEP 562), so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_DOORS = {
    "read_report": "dco.platforms.read",
    "load_campaign": "dco.settings",
    "Optimizer": "dco.plan.optimizer",
    "Space": "dco.records",
    "PlanSettings": "dco.records",
    "compare": "dco.stats.compare",
    "load_backend": "dco.generate.backend",
}

__all__ = sorted(_DOORS)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("dco")
    if name not in _DOORS:
        raise AttributeError(f"module 'dco' has no attribute {name!r} (known: {', '.join(__all__)})")
    return getattr(import_module(_DOORS[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
