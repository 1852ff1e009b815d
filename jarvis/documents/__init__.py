"""Documents: their bytes are read as text, and the text is split into chunks."""
