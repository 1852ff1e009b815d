"""The messages of a conversation."""

from dataclasses import dataclass

from jarvis_ports.values.enums import OpenEnum


class Role(OpenEnum):
    """The speaker of a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool by the model; `arguments` is the text of a JSON object, as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Image:
    """The bytes of a PNG, JPEG or WebP file, and its type, such as image/png, if that was told."""

    data: bytes
    mime_type: str | None = None

    def __repr__(self) -> str:
        return f"Image({len(self.data)} bytes, {self.mime_type!r})"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation.

    `content` is plain text: control tokens written in it are not read as such. `tool_calls` are those that
    the model made in this message, and `tool_call_id` is that of the call whose result a tool's message is.
    `parts` are texts and images, in place of `content`.
    """

    role: Role
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    parts: tuple[str | Image, ...] = ()

    @property
    def text(self) -> str:
        """What is said in words: the content, or the parts that are text, a line each."""
        return "\n".join(part for part in self.parts if isinstance(part, str)) if self.parts else self.content

    @property
    def images(self) -> tuple[Image, ...]:
        """The parts that are images."""
        return tuple(part for part in self.parts if isinstance(part, Image))
