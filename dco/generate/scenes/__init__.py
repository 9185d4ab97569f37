"""One file per scene of the renderer; each exposes `SCENE`."""
