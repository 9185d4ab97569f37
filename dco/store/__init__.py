"""The database and the content-addressed files of one workspace."""
