"""The built-in adapters, which register through the same hook as third-party ones."""
