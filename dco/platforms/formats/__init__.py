"""One file per platform report; each exposes `FORMAT`."""
