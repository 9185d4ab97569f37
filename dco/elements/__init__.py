"""The element model: what attributes, segments and arms earn."""
