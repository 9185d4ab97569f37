"""Pictures inside a page: each embedded once as a data URI and referred to wherever it is shown."""

from __future__ import annotations

import base64
import html
import io

from PIL import Image, UnidentifiedImageError

_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}


def measure(data: bytes) -> tuple[str, int, int] | None:
    """(MIME type, width, height) read from the header, or None when the bytes are no picture a browser shows."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            kind, (width, height) = _TYPES.get(image.format or ""), image.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None
    return (kind, width, height) if kind else None


def data_uri(data: bytes) -> str:
    """The picture as a data URI; empty when it is none."""
    known = measure(data)
    return f"data:{known[0]};base64,{base64.b64encode(data).decode()}" if known else ""


def symbol(ident: str, data: bytes) -> str:
    """An SVG symbol holding the picture, cropped to a square from the centre; a quiet placeholder when there is none."""
    known = measure(data)
    body = (
        f'<image href="{data_uri(data)}" width="100" height="100" preserveAspectRatio="xMidYMid slice"/>'
        if known
        else '<rect width="100" height="100" fill="var(--card)"/><path d="M20 70l20-25 15 18 10-12 15 19z" fill="var(--rest)"/>'
    )
    return f'<symbol id="{html.escape(ident)}" viewBox="0 0 100 100">{body}</symbol>'


def use(ident: str, alt_text: str, css: str = "pic") -> str:
    """Show the symbol `ident`, with its alternative text."""
    return (
        f'<svg class="{css}" viewBox="0 0 100 100" role="img" aria-label="{html.escape(alt_text)}">'
        f'<use href="#{html.escape(ident)}" width="100" height="100"/></svg>'
    )
