"""Where work is done: one process, or many workers on many machines, behind one seam."""
