"""How long texts may be: to fold them, and to make tokens of them, takes time and memory by their length."""

MAX_EMBEDDED = 1_000_000
"""The most characters of a text that is embedded, where the model reads less."""
MAX_CHARACTERS = 200_000
"""The most characters of a text that is stored or reranked."""
MAX_QUERY = 20_000
"""The most characters of a query."""
