"""One file per policy; each exposes `Policy`."""
