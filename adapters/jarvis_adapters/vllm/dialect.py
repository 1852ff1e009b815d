"""How a model writes calls of tools and reasoning: vLLM's parsers for them, and how they are asked for."""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from vllm.config import VllmConfig
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.parser import ParserManager
from vllm.reasoning import ReasoningParserManager
from vllm.tool_parsers import ToolParserManager

from jarvis_adapters.vllm.constraints.checker import Checker
from jarvis_adapters.vllm.control_tokens import ControlTokens
from jarvis_adapters.vllm.render import conversation_message
from jarvis_adapters.vllm.settings import ParserNames, VLLMSettings
from jarvis_adapters.vllm.template import template_kwargs, template_variables
from jarvis_ports.errors import EngineStartFailed, InvalidArgument
from jarvis_ports.llm import Constraint, GenerateRequest, Raw, StructuredOutput, Tool, ToolChoice

TOOL_PARSERS = {
    "<function=": "qwen3_coder",
    "<arg_key>": "glm45",
    "<minimax:tool_call>": "minimax_m2",
    "<tool_call>": "hermes",
    "[TOOL_CALLS]": "mistral",
    "<|python_tag|>": "llama3_json",
    "<|tool_calls_section_begin|>": "kimi_k2",
    "<|channel|>": "openai",
}
"""The parser of tool calls for a chat template, by what the template contains; the first that fits counts."""
REASONING_PARSERS = {"enable_thinking": "qwen3", "<think>": "deepseek_r1", "<|channel|>": "openai_gptoss"}
EFFORTS = ("reasoning_effort", "enable_thinking", "thinking")
"""The variables of chat templates that say how much a model reasons, or whether."""
AUTO, NONE = "auto", "none"
TALKATIVE = ("vllm.parser", "vllm.reasoning", "vllm.renderers", "vllm.tool_parsers")
"""The loggers of what logs the texts of models and callers, wherever it cannot read them."""
NO_PARAMETERS = {"type": "object", "properties": {}, "additionalProperties": False}


def find_parsers(names: ParserNames, template: str) -> ParserNames:
    """Return the names of the parsers that read a model's answers, found by its chat template if not given.

    Raises:
        EngineStartFailed: vLLM has no parser of a given name.
    """
    found = {}
    for field, known, by_template, unless in (
        ("tools", ToolParserManager.list_registered(), TOOL_PARSERS, "tools" not in template),
        ("reasoning", ReasoningParserManager.list_registered(), REASONING_PARSERS, False),
    ):
        name = getattr(names, field)
        if name == AUTO:
            fits = (parser for mark, parser in by_template.items() if mark in template)
            name = None if unless else next(fits, None)
        elif name == NONE:
            name = None
        elif name not in known:
            msg = f"parsers.{field}: vLLM has no parser {name!r}; one of: {', '.join(sorted(known))}"
            raise EngineStartFailed(msg)
        found[field] = name or NONE
    return ParserNames(**found)


def chat_template(settings: VLLMSettings) -> str | None:
    """Return the chat template that is configured; None if it is the model's own.

    Raises:
        EngineStartFailed: the file cannot be read.
    """
    if settings.chat_template is None:
        return None
    try:
        return settings.chat_template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"chat_template: {settings.chat_template} cannot be read: {error}"
        raise EngineStartFailed(msg) from None


def make_dialect(
    config: VllmConfig, names: ParserNames, control: ControlTokens, notes: list[str]
) -> "Dialect":
    """Return the dialect of a model; a parser that was found, and cannot be used, is noted and left out.

    Raises:
        EngineStartFailed: a parser that was given cannot be used with the model.
    """
    found = find_parsers(names, control.template)
    try:
        return Dialect(config, found, control)
    except (TypeError, ValueError, RuntimeError) as error:
        if AUTO not in {names.tools, names.reasoning}:
            msg = f"parsers: {error}"
            raise EngineStartFailed(msg) from None
        notes.append(f"no tool calls, and no reasoning apart from the text: {error}")
        return Dialect(config, ParserNames(tools=NONE, reasoning=NONE), control)


class Dialect:
    """What a model's answers may consist of beside text.

    Args:
        config: the engine's.
        names: the parsers that read its answers.
        control: has its tokenizer and its chat template.

    Raises:
        TypeError: the tokenizer lacks what a parser needs.
    """

    def __init__(self, config: VllmConfig, names: ParserNames, control: ControlTokens) -> None:
        for name in TALKATIVE:  # here, as others set levels too
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        self._model_config = config.model_config
        self.names = names
        self.control = control
        self.takes_tools = names.tools != NONE
        self.reasons = names.reasoning != NONE
        variables = template_variables(control) if self.reasons else frozenset()
        self.efforts = tuple(name for name in EFFORTS if name in variables)
        self._parser = ParserManager.get_parser(
            tool_parser_name=names.tools if self.takes_tools else None,
            reasoning_parser_name=names.reasoning if self.reasons else None,
            enable_auto_tools=self.takes_tools,
            model_name=config.model_config.model,
            is_harmony=config.model_config.hf_config.model_type == "gpt_oss",
            tokenizer=control.tokenizer,
        )

    def template_arguments(self, request: GenerateRequest) -> dict[str, Any]:
        """Return what the chat template is told beside the messages."""
        arguments = template_kwargs(request.render)
        if request.tools:
            arguments["tools"] = [_definition(tool) for tool in request.tools]
        if (effort := request.reasoning_effort) is not None:
            thinks = effort != "none"
            arguments |= {name: str(effort) if name == EFFORTS[0] else thinks for name in self.efforts}
        return arguments

    def asked(self, request: GenerateRequest) -> "Asked | None":
        """Return what tells the parts of the answer apart; None if it is nothing but text."""
        tools = self.takes_tools and request.tools and request.tool_choice is not ToolChoice.NONE
        if self._parser is None or isinstance(request.input, Raw) or not (tools or self.reasons):
            return None
        return Asked(self, request, tools=bool(tools))

    def parser(self, tools: Sequence[Any] | None, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Return a new parser, for one choice of an answer."""
        assert self._parser is not None  # noqa: S101 - `asked` has looked
        kwargs = {"chat_template_kwargs": arguments} if self.reasons else {}
        return self._parser(self.control.tokenizer, tools, model_config=self._model_config, **kwargs)


class Asked:
    """A request as vLLM's parsers see it.

    Args:
        dialect: makes the parsers.
        request: what to generate.
        tools: whether the model may call tools.

    Attributes:
        arguments: what the chat template is told beside the messages.
    """

    def __init__(self, dialect: Dialect, request: GenerateRequest, *, tools: bool) -> None:
        self._dialect = dialect
        self._request = request
        self.tools = tools
        self.reasons = dialect.reasons
        self.arguments = dialect.template_arguments(request)
        assert not isinstance(request.input, Raw)  # noqa: S101 - `Dialect.asked` has looked
        told = self.arguments.get("tools", ())
        held = [_held(one, strict=_strict(request, number)) for number, one in enumerate(told)]
        self.chat = ChatCompletionRequest.model_validate(
            {
                "messages": [conversation_message(message) for message in request.input],
                **({"tools": held, "tool_choice": _choice(request)} if tools else {}),
                "parallel_tool_calls": request.parallel_tool_calls is not False,
            }
        )
        self.chat = self.parser().adjust_request(self.chat)

    def parser(self) -> Any:  # noqa: ANN401 - of vLLM
        """Return a parser for one choice of the answer."""
        return self._dialect.parser(self.chat.tools if self.tools else None, self.arguments)

    @property
    def must_call(self) -> bool:
        """Whether the answer has to call a tool."""
        return self.tools and self._request.must_call

    @property
    def keeps_special_tokens(self) -> bool:
        """Whether the parsers have to see special tokens in the text."""
        return not self.chat.skip_special_tokens

    async def constraint(self, checker: Checker | None) -> str | None:
        """Return the grammar that holds calls to their form; None if the request does not ask for that.

        Raises:
            InvalidArgument: a schema, or the demand itself, cannot be honoured.
        """
        request = self._request
        strict = [number for number, tool in enumerate(request.tools) if _strict(request, number)]
        demands = request.held_by
        if not (self.tools and demands):
            return None
        wanted, params = None, self.chat.structured_outputs
        if params is not None and params.structural_tag is not None:
            wanted = StructuredOutput(Constraint.STRUCTURAL_TAG, params.structural_tag)
        elif params is not None and params.json is not None:
            wanted = StructuredOutput(Constraint.JSON_SCHEMA, json.dumps(params.json))
        if checker is None or wanted is None:
            raise InvalidArgument.of(demands[0], "the form of this model's tool calls cannot be held to")
        for number in strict:
            checker.check_size(f"tools[{number}].parameters", [request.tools[number].parameters or ""])
        try:
            return await checker.compiled(wanted, bounded=False)  # what the caller wrote of it is
        except InvalidArgument as error:
            await asyncio.gather(*(self._check(checker, number) for number in strict))
            raise InvalidArgument.of(demands[0], error.violations[0].description) from None

    async def _check(self, checker: Checker, number: int) -> None:
        """Raise for a schema that cannot be honoured, with the path of its tool."""
        try:
            schema = json.dumps(_parameters(self._request.tools[number]))
            await checker.compiled(StructuredOutput(Constraint.JSON_SCHEMA, schema))
        except InvalidArgument as error:
            field = f"tools[{number}].parameters"
            raise InvalidArgument.of(field, error.violations[0].description) from None


def _definition(tool: Tool) -> dict[str, Any]:
    """Return a tool as the model is told of it."""
    function: dict[str, Any] = {"name": tool.name, "parameters": _parameters(tool)}
    if tool.description is not None:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _held(definition: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
    """Return a tool as vLLM's parsers are told of it, with whether its calls are held to the schema."""
    return {**definition, "function": {**definition["function"], **({"strict": True} if strict else {})}}


def _parameters(tool: Tool) -> dict[str, Any]:
    return NO_PARAMETERS if tool.parameters is None else {"type": "object", **json.loads(tool.parameters)}


def _strict(request: GenerateRequest, number: int) -> bool:
    strict = request.tools[number].strict
    return request.must_call if strict is None else strict


def _choice(request: GenerateRequest) -> Any:  # noqa: ANN401 - as OpenAI has it
    if request.tool_name is not None:
        return {"type": "function", "function": {"name": request.tool_name}}
    return str(request.tool_choice or ToolChoice.AUTO)
