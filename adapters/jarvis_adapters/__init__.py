"""The built-in adapters; they register through the same hook as anyone's."""
