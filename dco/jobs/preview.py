"""The latest look at a picture in the making, as a file that a browser or an image viewer can keep open."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

from PIL import Image

from dco.errors import StoreError
from dco.generate.backend import Glimpse, Preview
from dco.generate.glimpses import shown_to

__all__ = ["latest", "shown_to"]

FILE = "latest.png"


def latest(folder: Path, step: Callable[[int, int], None] | None = None) -> Preview:
    """A preview that keeps `latest.png` in a folder: written beside it and put in its place, so that no reader ever sees
    half of one. `step` is told (step, steps).

    Raises:
        StoreError: the folder cannot be written; also from the preview itself, later.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot keep previews there ({error.strerror or error})") from error

    def show(glimpse: Glimpse) -> None:
        if step:
            step(glimpse.step, glimpse.steps)
        png = io.BytesIO()
        Image.fromarray(glimpse.pixels).save(png, "PNG")
        temporary = None
        try:
            with NamedTemporaryFile(dir=folder, prefix=".tmp-", delete=False) as file:
                temporary = Path(file.name)
                file.write(png.getvalue())
            temporary.chmod(0o644)
            temporary.replace(folder / FILE)
        except OSError as error:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            raise StoreError(
                f"{folder / FILE}: cannot write a preview ({error.strerror or error})"
            ) from error

    return show
