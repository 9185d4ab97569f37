"""Statistics on arm counts and batch logs: pure functions on arrays."""
