"""How a segment's impressions are shared."""
