"""Small real campaigns for journeys: the written example, cut down so that a night takes a second."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from dco.jobs.init import init, template
from dco.jobs.simulated import day_of

BY_RULE = """approval:
  standing_rules:
    - name: test-rule
      by: Jane Doe
      until: 2026-12-31
"""


def small(
    folder: Path, *, by_rule: bool = True, backend: str = "procedural", start: date | None = None
) -> Path:
    """Two small sizes cut from one backdrop, three starting creatives per segment, no diffusion unless asked for. Returns the campaign file."""
    file = init(folder)[0]
    text = template()
    text = text.replace("flight: {start: 2026-09-01", f"flight: {{start: {start or day_of(0)}")
    text = text.replace("sizes: [300x250, 728x90, 160x600]", "sizes: [300x250]")
    text = text.replace("sizes: [1080x1080, 1200x628]", "sizes: [336x280]")
    text = text.replace("starting_per_segment: 5", "starting_per_segment: 3")
    text = text.replace("backend: embedded ", f"backend: {backend} ")
    if by_rule:
        head, _, rest = text.partition("approval:")
        text = head + BY_RULE + rest[rest.index("\nmodel:") :]
    file.write_text(text, encoding="utf-8")
    return file
