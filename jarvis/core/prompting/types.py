"""The input to the selection of a template, and its result."""

from dataclasses import dataclass, replace

from jarvis_ports.difficulty import Signal
from jarvis_ports.errors import FieldViolation, UnsupportedField
from jarvis_ports.llm import GenerateRequest, Input, LLMCapabilities, Message, Raw, Role


@dataclass(frozen=True, slots=True)
class Tier:
    """A range of difficulty that ends before `below`, and its template."""

    template: str
    below: int | None


@dataclass(frozen=True, slots=True)
class SelectedPrompt:
    """The template that was selected for a request, and the request's difficulty, or None if it is unknown.

    `signals` are what influenced an estimate. `text` is empty if there is no template.
    """

    difficulty: int | None = None
    signals: tuple[Signal, ...] = ()
    template: str | None = None
    language: str | None = None
    text: str = ""
    named: bool = False
    temperature: float | None = None
    max_tokens: int | None = None

    def for_model(self, capabilities: LLMCapabilities) -> "SelectedPrompt":
        """Return the prompt without what a model cannot take.

        Raises:
            UnsupportedField: the model takes no system message, and the request names a template.
        """
        fields = capabilities.fields
        if self.template and "messages.role.system" not in fields:
            if self.named:
                raise UnsupportedField([FieldViolation("template", "the model takes no system message")])
            return SelectedPrompt(self.difficulty, self.signals)
        return replace(
            self,
            temperature=self.temperature if "sampling.temperature" in fields else None,
            max_tokens=self.max_tokens if "sampling.max_tokens" in fields else None,
        )

    def applied(self, request: GenerateRequest) -> GenerateRequest:
        """Return a request with the text before its conversation, and defaults for what it does not set."""
        if not self.template:
            return request
        assert not isinstance(request.input, Raw)  # noqa: S101 - a raw prompt gets no template
        sampling = request.sampling
        if sampling.temperature is None:
            sampling = replace(sampling, temperature=self.temperature)
        if sampling.max_tokens is None and self.max_tokens is not None:
            sampling = replace(sampling, max_tokens=max(self.max_tokens, sampling.min_tokens or 0))
        return replace(request, input=(Message(Role.SYSTEM, self.text), *request.input), sampling=sampling)


def has_system_message(input_: Input) -> bool:
    """Return whether a conversation has a system message of its caller's; a raw prompt has none."""
    return not isinstance(input_, Raw) and any(message.role is Role.SYSTEM for message in input_)
