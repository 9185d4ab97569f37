"""Revisions of the store's tables, run by `dco.store.migrate` when a workspace is opened."""
