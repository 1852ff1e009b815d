"""Model references: names of the catalogue, local folders, and Hugging Face repositories."""
