"""The strongest known closed loops, as their authors would make them: one file per peer, one body for the nightly loop."""
