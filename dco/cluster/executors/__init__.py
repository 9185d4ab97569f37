"""One file per way to run workers."""
