"""The steps of a night, and what runs them."""
