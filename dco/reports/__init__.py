"""Results as tables, charts and pages, returned as values."""
