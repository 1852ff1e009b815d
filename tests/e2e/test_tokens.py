"""Tokens in and out, and how an input becomes tokens, over real gRPC."""

import pytest

from jarvis.v1 import generation_pb2 as pb

USER = pb.Message(role=pb.ROLE_USER, content="one two")
ASSISTANT = pb.Message(role=pb.ROLE_ASSISTANT, content="three")


@pytest.fixture(scope="module")
async def server(start):
    async with start("models.echo.adapter=echo", "models.echo.settings.context_length=64") as running:
        yield running


async def tokenize(server, **fields):
    return await server.generation.Tokenize(pb.TokenizeRequest(**fields))


async def test_tokens_have_ids_and_texts_and_are_as_many_as_counted(server):
    told = await tokenize(server, messages=[USER], model="echo")
    counted = await server.generation.CountTokens(pb.CountTokensRequest(messages=[USER]))
    assert (told.model, list(told.tokens)) == ("echo", ["<user>", "one", " two"])
    assert len(set(told.token_ids)) == counted.tokens == 3
    assert told.context_length == counted.context_length == 64


async def test_the_text_of_tokens_is_the_prompt(server):
    told = await tokenize(server, prompt="one  two\n")
    text = await server.generation.Detokenize(pb.DetokenizeRequest(token_ids=told.token_ids))
    assert (text.model, text.text) == ("echo", "one  two\n")


async def test_tokens_are_answered_as_their_text_is(server):
    told = await tokenize(server, prompt="one two three")
    by_ids = await server.generation.Generate(pb.GenerateRequest(prompt_token_ids=told.token_ids))
    by_text = await server.generation.Generate(pb.GenerateRequest(prompt="one two three"))
    assert by_ids.choices == by_text.choices
    assert by_ids.usage == by_text.usage
    assert not by_ids.HasField("template")


async def test_a_prompt_is_cut_off_at_its_beginning(server):
    request = pb.GenerateRequest(prompt="one two three", truncate_prompt_tokens=2)
    response = await server.generation.Generate(request)
    assert (response.choices[0].text, response.usage.prompt_tokens) == (" two three", 2)
    cut = await tokenize(server, prompt="one two three", truncate_prompt_tokens=1)
    assert list(cut.tokens) == [" three"]


UNKNOWN = 2**32 - 1
LONG = "x" * 16_385
BAD = {
    "ids of no token": ({"prompt_token_ids": [UNKNOWN]}, ["prompt_token_ids[0]"]),
    "tokens and a prompt": ({"prompt_token_ids": [1], "prompt": "a"}, ["prompt_token_ids"]),
    "a template for tokens": ({"prompt_token_ids": [1], "template": "chat"}, ["template"]),
    "sources for tokens": (
        {"prompt_token_ids": [1], "retrieval": pb.Retrieval(collection="c")},
        ["retrieval"],
    ),
    "sources that are cut off": (
        {"messages": [USER], "truncate_prompt_tokens": 9, "retrieval": pb.Retrieval(collection="c")},
        ["truncate_prompt_tokens"],
    ),
    "nothing left": ({"prompt": "a", "truncate_prompt_tokens": 0}, ["truncate_prompt_tokens"]),
    "special tokens of a chat": ({"messages": [USER], "add_special_tokens": True}, ["add_special_tokens"]),
    "the user's message continued": (
        {"messages": [USER], "continue_final_message": True},
        ["messages[0].role"],
    ),
    "continued and begun": (
        {"messages": [USER, ASSISTANT], "continue_final_message": True, "add_generation_prompt": True},
        ["add_generation_prompt"],
    ),
    "a prompt without a template": (
        {"prompt": "a", "continue_final_message": False, "chat_template_args": {"a": "1"}},
        ["continue_final_message", "chat_template_args"],
    ),
    "what has a field": (
        {"messages": [USER], "chat_template_args": {"messages": "[]", "add_generation_prompt": "true"}},
        ["chat_template_args[messages]", "chat_template_args[add_generation_prompt]"],
    ),
    "no JSON": (
        {"messages": [USER], "chat_template_args": {"a": "yes", "b": "NaN", "c": "[" * 9999}},
        ["chat_template_args[a]", "chat_template_args[b]", "chat_template_args[c]"],
    ),
    "too many": (
        {"messages": [USER], "chat_template_args": {str(n): "1" for n in range(17)}},
        ["chat_template_args"],
    ),
    "too long": ({"messages": [USER], "chat_template_args": {"a": f'"{LONG}"'}}, ["chat_template_args"]),
}


@pytest.mark.parametrize(("fields", "blamed"), BAD.values(), ids=BAD)
async def test_what_is_wrong_is_named(server, failure, fields, blamed):
    call = server.generation.Generate(pb.GenerateRequest(**fields))
    code, reason, found, _ = await failure(call)
    assert (code, reason, sorted(found)) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT", sorted(blamed))


@pytest.mark.parametrize(
    ("token_ids", "blamed"), [([], "token_ids"), ([UNKNOWN], "token_ids[0]"), ([1] * 65, "token_ids")]
)
async def test_tokens_that_have_no_text_are_named(server, failure, token_ids, blamed):
    call = server.generation.Detokenize(pb.DetokenizeRequest(token_ids=token_ids))
    assert await failure(call) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT", [blamed], None)


@pytest.mark.parametrize(
    "fields",
    [
        {"add_generation_prompt": False},
        {"chat_template_args": {"enable_thinking": "false"}},
        {"continue_final_message": True},
    ],
    ids=str,
)
async def test_what_an_engine_cannot_honour_is_refused_by_both_calls(server, failure, fields):
    for call in (
        server.generation.Tokenize(pb.TokenizeRequest(messages=[USER, ASSISTANT], **fields)),
        server.generation.Generate(pb.GenerateRequest(messages=[USER, ASSISTANT], **fields)),
    ):
        assert (await failure(call))[1:3] == ("UNSUPPORTED_FIELD", [*fields])
