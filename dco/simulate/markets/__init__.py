"""One file per market; each exposes `Market`."""
