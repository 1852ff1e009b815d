"""What is reckoned of a request: its prompt, and the tools that the model is told."""

from jarvis.core.tokens import (
    TOKENS_PER_IMAGE,
    characters_of,
    characters_written,
    prompt_tokens,
    tokens_in,
)
from jarvis_ports.llm import LLMCapabilities, RenderParams
from jarvis_ports.values import (
    Delta,
    GenerateRequest,
    Image,
    Message,
    Role,
    TokenIds,
    Tool,
    ToolCall,
    ToolCallDelta,
)
from tests.pictures import RED

ASKED = (Message(Role.USER, "Hello"),)


class Counting:
    """Counts the messages, and the characters of the names of tools."""

    def capabilities(self):
        return LLMCapabilities(100, frozenset())

    async def count_tokens(self, input_, render=RenderParams(), tools=()):
        return len(input_) + sum(len(tool.name) for tool in tools)


def test_the_characters_of_a_request_are_those_of_its_prompt_its_calls_and_its_tools():
    called = Message(Role.ASSISTANT, "", (ToolCall("1", "now", "{}"),))
    tools = (Tool("now"), Tool("weather", "Tells it.", "{}"))
    assert characters_of(GenerateRequest("r", "Hello")) == 5
    assert characters_of(GenerateRequest("r", TokenIds((1, 2)))) == 8
    assert characters_of(GenerateRequest("r", (*ASKED, called))) == 5 + 3 + 2
    assert characters_of(GenerateRequest("r", ASKED, tools=tools)) == 5 + 3 + 7 + 9 + 2


def test_an_image_counts_as_much_whatever_its_bytes():
    def of(*parts):
        return tokens_in(characters_of(GenerateRequest("r", (Message(Role.USER, parts=parts),))))

    assert of("four", RED, RED) == 1 + 2 * TOKENS_PER_IMAGE == of("four", RED, Image(b"x" * 10**6))


async def test_the_tokens_of_a_prompt_are_counted_with_its_tools():
    llm, tools = Counting(), (Tool("now"), Tool("later"))
    assert await prompt_tokens(llm, GenerateRequest("r", ASKED)) == 1
    assert await prompt_tokens(llm, GenerateRequest("r", ASKED, tools=tools)) == 1 + 3 + 5


def test_the_characters_of_a_delta_are_all_that_the_model_has_written():
    calls = (ToolCallDelta(0, "id", "now"), ToolCallDelta(0, arguments="{}"))
    assert characters_written(Delta(0, "ab", tool_calls=calls, reasoning="c")) == 2 + 3 + 2 + 1
