"""What the server explains of a prompt."""

from dataclasses import dataclass

from jarvis.client.messages import known
from jarvis.v1 import generation_pb2 as pb
from jarvis_ports.difficulty import Signal
from jarvis_ports.llm import Message, Role

ROLES = {pb.ROLE_SYSTEM: Role.SYSTEM, pb.ROLE_USER: Role.USER, pb.ROLE_ASSISTANT: Role.ASSISTANT}


@dataclass(frozen=True, slots=True)
class PromptExplanation:
    """What `generate` would do with a prompt before any model answers.

    Attributes:
        difficulty: in [0, 100], given or estimated; None where nothing estimates it.
        signals: what moved the estimate, the most points first; empty where the difficulty was given.
        template: the prompt template; None where there is none.
        language: that of the template; None where it has but one text.
        messages: the messages with the template; empty for a raw prompt.
        route: None where the model is named.
        models: in the order in which they would be tried now.
        model: the one whose tokens are counted, the first of `models` that is loaded; None where none is.
        prompt_tokens: tokens of the prompt, template included; None where no model is loaded.
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


def prompt_explanation(response: pb.ExplainPromptResponse) -> PromptExplanation:
    """Read an explanation."""
    return PromptExplanation(
        difficulty=response.difficulty if response.HasField("difficulty") else None,
        signals=tuple(Signal(signal.name, signal.points, signal.found) for signal in response.signals),
        template=response.template if response.HasField("template") else None,
        language=response.language if response.HasField("language") else None,
        messages=tuple(Message(known(ROLES, one.role), one.content) for one in response.messages),
        route=response.route if response.HasField("route") else None,
        models=tuple(response.models),
        model=response.model if response.HasField("model") else None,
        prompt_tokens=response.prompt_tokens if response.HasField("prompt_tokens") else None,
    )
