"""One file per method of comparison; each exposes `compare`."""
