"""How long texts may be: to fold them, and to make tokens of them, takes time and memory by their length."""

MAX_CHARACTERS = 200_000
"""The most characters of a text that is embedded or reranked, where the model reads less."""
MAX_QUERY = 20_000
"""The most characters of a query."""
