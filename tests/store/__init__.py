"""Tests of the store room, on SQLite and PostgreSQL."""
