"""One file per backend; each exposes `Backend`."""
