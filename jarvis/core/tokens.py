"""A guess at numbers of tokens, where nothing has been tokenised."""

CHARACTERS_PER_TOKEN = 4


def tokens_in(characters: int) -> int:
    """Return about how many tokens a text of so many characters has."""
    return -(-characters // CHARACTERS_PER_TOKEN)
