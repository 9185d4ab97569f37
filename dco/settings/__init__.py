"""The campaign file: parsed, validated, and refused with file, line and key."""

from dco.settings.campaign import load_campaign, parse_campaign, wrong

__all__ = ["load_campaign", "parse_campaign", "wrong"]
