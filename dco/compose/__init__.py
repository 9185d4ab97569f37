"""Backdrop, product, words and logo into ads of every size, and what they must satisfy."""
