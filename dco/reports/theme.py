"""One palette for pages and charts. Charts are drawn in the light colours and then point to the page's CSS variables,
so that a dark page, a light page and print each get their own."""

from __future__ import annotations

LIGHT: dict[str, str] = {
    "paper": "#fcfbf8",
    "card": "#f4f1ea",
    "ink": "#1c1e22",
    "muted": "#5b5e66",
    "line": "#dad5ca",
    "accent": "#175e59",
    "good": "#1d6b3f",
    "warn": "#8a4b08",
    "hold": "#77736a",
    "c1": "#1b6a65",
    "c2": "#b8802a",
    "c3": "#a94f3b",
    "c4": "#46699c",
    "c5": "#7b5785",
    "c6": "#74823a",
    "rest": "#c9c4b8",
}
DARK: dict[str, str] = {
    "paper": "#15171a",
    "card": "#1e2125",
    "ink": "#eceae4",
    "muted": "#a9a79f",
    "line": "#363a40",
    "accent": "#74c4bb",
    "good": "#7cc795",
    "warn": "#e3ab63",
    "hold": "#98958c",
    "c1": "#5fb3ab",
    "c2": "#d9aa5b",
    "c3": "#d98670",
    "c4": "#86a8d8",
    "c5": "#b794c2",
    "c6": "#aebb70",
    "rest": "#54565a",
}
SERIES = ("c1", "c2", "c3", "c4", "c5", "c6")
"""Colours of the six ads that matter most in a segment; all others share `rest`."""

SANS = "Helvetica Neue, Helvetica, Segoe UI, Roboto, Arial, Liberation Sans, sans-serif"
"""Faces of nearly equal width: charts measure their labels before the reader's machine picks one."""


def css_variables() -> str:
    """The palette as CSS: light by default and in print, dark where the reader's system asks for it."""
    light = "".join(f"--{k}:{v};" for k, v in LIGHT.items())
    dark = "".join(f"--{k}:{v};" for k, v in DARK.items())
    return (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    )


def use_variables(svg: str) -> str:
    """Replace the light palette's literal colours in an SVG by the page's variables."""
    for name, colour in LIGHT.items():
        svg = svg.replace(f'"{colour}"', f'"var(--{name})"')
    return svg
