"""What a component's sleep is about."""

from asyncio import Event


class Sleep:
    """A sleep that has begun, and is not over before the component's adapter is open again.

    Args:
        why: why it sleeps, and what wakes it, as the end of a sentence that begins with its name.
        light: whether whoever wants the component ends it.
        failed: whether the component did not wake up from the one before.

    Attributes:
        alone: set when nobody uses the adapter any more.
        fallen: set when the adapter is closed, or has released what it holds.
        over: set when the component is to wake up.
    """

    def __init__(self, why: str, *, light: bool, failed: bool = False) -> None:
        self.why = why
        self.light = light
        self.failed = failed
        self.alone = Event()
        self.fallen = Event()
        self.over = Event()
