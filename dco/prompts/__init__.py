"""Genomes, proposals around winners, and the words a model is asked with."""
