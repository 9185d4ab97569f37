"""From a request to a picture. The only room that knows torch."""
