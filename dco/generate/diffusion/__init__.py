"""Loaded diffusion models at work: the embedded one on small copies, and any checkpoint. Loaded with torch."""
