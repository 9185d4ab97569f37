"""Markets with a known truth. Everything made here is simulated and says so."""
