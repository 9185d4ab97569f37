"""The families of parts: where the files of each lie, and which attribute a file must expose. Names only."""

from __future__ import annotations

from typing import NamedTuple


class Family(NamedTuple):
    """Parts found by file name in `package`; each module exposes `attribute`."""

    package: str
    attribute: str
    meaning: str


FAMILIES: dict[str, Family] = {
    "policies": Family("dco.bandits.policies", "Policy", "how a segment's impressions are shared"),
    "methods": Family("dco.stats.methods", "compare", "how two or more arms are compared"),
    "markets": Family("dco.simulate.markets", "Market", "simulated truth to test the engine against"),
    "checks": Family("dco.compose.checks", "check", "what a composed ad must satisfy"),
    "formats": Family("dco.platforms.formats", "FORMAT", "a platform's report file"),
    "scenes": Family("dco.generate.scenes", "SCENE", "a backdrop the renderer can paint"),
    "gates": Family("dco.generate.gates", "GATE", "what a finished picture must pass before anyone sees it"),
    "backends": Family("dco.generate.backends", "Backend", "what turns a request into a picture"),
    "executors": Family("dco.cluster.executors", "Executor", "where work is done"),
    "benches": Family("dco.jobs.benches", "bench", "what is measured beside a plain way of doing it"),
}
