"""The composition root: configuration, adapters, use cases and server are put together here."""
