"""One file per scene; each exposes `SCENE`. Adding a file adds a scene."""
