"""One file per check of a composed ad; each exposes `check`."""
