"""The procedural renderer: from a look and a seed to a backdrop of any size, without a model."""
