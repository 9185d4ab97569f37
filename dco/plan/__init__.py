"""One night's decision from what is known."""
