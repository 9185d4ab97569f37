"""One file per gate that a finished picture must pass before anyone sees it; each exposes `GATE`."""
