"""Training of the embedded model from nothing but the project's own renders: `train`, `train_judge` and `evaluate`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_DOORS = {
    "train": "dco.generate.training.run",
    "train_judge": "dco.generate.training.run",
    "evaluate": "dco.generate.training.measure",
    "record": "dco.generate.training.assemble",
}

__all__ = ["evaluate", "record", "train", "train_judge"]


def __getattr__(name: str) -> Any:
    # On first use only, because both load torch.
    if name not in _DOORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_DOORS[name]), name)
