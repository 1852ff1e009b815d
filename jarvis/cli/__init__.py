"""The command line. Modules that are slow to import are imported inside the commands that need them."""
