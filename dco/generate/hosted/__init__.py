"""Image APIs of others: the door, what their models can do, and what their pictures cost."""
