"""The advice on what is not installed."""


def how_to_install(extra: str) -> str:
    """Return how an extra of this distribution is installed; no registry has it, nor jarvis-difficulty."""
    return f"pip install '.[{extra}]' ./plugins/jarvis-difficulty in a clone of the repository"
