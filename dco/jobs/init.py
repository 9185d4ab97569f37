"""`dco init`: a folder with a commented campaign file that works, and a sample brand drawn by the project."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
from PIL import Image

from dco.compose.sample import sample_logo, sample_product
from dco.errors import Refused


def init(folder: Path) -> tuple[Path, ...]:
    """Write campaign.yaml and brand/*.png into `folder`; nothing that exists is overwritten.

    Returns:
        The files written, in the order a reader should open them.
    """
    campaign = folder / "campaign.yaml"
    if campaign.exists():
        raise Refused(f"{campaign} exists; nothing was written. Choose another folder or edit that file")
    brand = folder / "brand"
    brand.mkdir(parents=True, exist_ok=True)
    for name, pixels in (("product.png", sample_product()), ("logo.png", sample_logo())):
        if not (brand / name).exists():
            Image.fromarray(np.asarray(pixels)).save(brand / name)
    campaign.write_text(template(), encoding="utf-8")
    return campaign, brand / "product.png", brand / "logo.png"


def template() -> str:
    """The commented campaign file."""
    return (resources.files("dco.settings") / "campaign.yaml").read_text(encoding="utf-8")
