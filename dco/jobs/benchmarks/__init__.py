"""What the benches measure beside the engine: plain ways of doing it, oracles, made-up histories, peers."""
