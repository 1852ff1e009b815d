"""What the server opens, watches and closes, and the requests that run."""
