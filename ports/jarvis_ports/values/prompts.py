"""What is known of a prompt before a model answers."""

from dataclasses import dataclass

from jarvis_ports.values.messages import Message


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that moved an estimate: its name, by how many points, and what was found in the text.

    `found` has at most 100 characters, so that it can be shown on one line.
    """

    name: str
    points: float
    found: str = ""


@dataclass(frozen=True, slots=True)
class PromptExplanation:
    """What `generate` would do with a prompt before any model answers.

    Attributes:
        difficulty: in [0, 100], given or estimated; None if nothing estimates it.
        signals: what moved the estimate, the most points first; empty if the difficulty was given.
        template: the prompt template; None if there is none.
        language: the language of the template; None if it has only one text.
        messages: the messages with the template; empty for a raw prompt.
        route: None if the request names the model.
        models: the models, in the order in which they would be tried now.
        model: the first of `models` that is loaded, which counts the tokens; None if none is loaded.
        prompt_tokens: tokens of the prompt, including the template; None if no model is loaded.
    """

    difficulty: int | None
    signals: tuple[Signal, ...]
    template: str | None
    language: str | None
    messages: tuple[Message, ...]
    route: str | None
    models: tuple[str, ...]
    model: str | None
    prompt_tokens: int | None
