"""Python functions as tools: what they look like to a model, and how its calls run them."""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jarvis_ports.values import Tool, ToolCall

Function = Callable[..., Any]


def tool_of(function: Function | Tool, *, strict: bool | None = None) -> Tool:
    """Return a function as a tool: its name, its docstring, and the schema of its type hints.

    Parameters are described by `Annotated[str, pydantic.Field(description="…")]`.

    Raises:
        TypeError: the function has no name, or pydantic has no schema for a type hint.
    """
    if isinstance(function, Tool):
        return function
    from pydantic import TypeAdapter  # noqa: PLC0415 - takes a tenth of a second
    from pydantic.errors import PydanticUserError  # noqa: PLC0415

    try:
        described: Any = function  # a function has a schema, that of its arguments
        schema = TypeAdapter(described).json_schema()
    except PydanticUserError as error:
        msg = f"{_name(function)} cannot be a tool: {error.message}"
        raise TypeError(msg) from None
    return Tool(_name(function), inspect.getdoc(function), json.dumps(schema), strict)


def _name(function: Function) -> str:
    try:
        return function.__name__
    except AttributeError:
        raise TypeError(f"{function!r} has no name that a model could call: define a function") from None


class Toolbox:
    """Runs the functions that a model calls.

    Args:
        functions: may be coroutine functions for the client that is not blocking.
    """

    def __init__(self, functions: Sequence[Function | Tool]) -> None:
        self._functions: Mapping[str, Function] = {
            _name(function): function for function in functions if not isinstance(function, Tool)
        }

    def run(self, call: ToolCall) -> Any:  # noqa: ANN401 - what the function returns
        """Run the function of a call, and return what it returns; where the arguments do not fit, return why.

        A ValueError of the function is what the model is told; other exceptions pass.
        """
        from pydantic import validate_call  # noqa: PLC0415

        function = self._functions.get(call.name)
        if function is None:
            return f"error: there is no tool {call.name!r}; one of {', '.join(self._functions)}"
        try:
            arguments = json.loads(call.arguments)
            if not isinstance(arguments, dict):
                return "error: the arguments have to be a JSON object"
            return validate_call(function)(**arguments)
        except ValueError as error:
            return f"error: {error}"

    async def run_async(self, call: ToolCall) -> Any:  # noqa: ANN401
        """Do what `run` does, and wait for functions that are coroutines."""
        result = self.run(call)
        try:
            return await result if inspect.isawaitable(result) else result
        except ValueError as error:
            return f"error: {error}"
