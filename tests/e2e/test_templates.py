"""Templates over the contract. Echo counts a token for each word, and one for each message."""

import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2

QUESTION = "What is the capital of France?"
MESSAGES = [pb.Message(role=pb.ROLE_USER, content=QUESTION)]
ASKED = 7
"""The tokens of `MESSAGES`."""
SUPPORT = [
    "prompts.templates.support.text='Help with {{ product }}.'",
    "prompts.templates.support.variables.product=tea",
    "prompts.templates.support.max_tokens=2",
]


@pytest.fixture(scope="module")
async def server(start):
    async with start(*SUPPORT, "models.echo.settings.context_length=40") as running:
        yield running


@pytest.mark.parametrize(
    ("difficulty", "template", "text"),
    [
        (0, "chat", "Responde brevemente y claro:"),
        (29, "chat", "Responde brevemente y claro:"),
        (30, "technical", "Explica técnicamente con ejemplos:"),
        (69, "technical", "Explica técnicamente con ejemplos:"),
        (70, "reasoning", "Piensa paso a paso antes de responder:"),
        (100, "reasoning", "Piensa paso a paso antes de responder:"),
    ],
)
async def test_a_difficulty_chooses_the_template(server, difficulty, template, text):
    request = pb.GenerateRequest(messages=MESSAGES, difficulty=difficulty, language="es")
    answer = await server.generation.Generate(request)
    assert (answer.template, answer.difficulty, answer.language) == (template, difficulty, "es")
    assert answer.usage.prompt_tokens == ASKED + 1 + len(text.split())

    explain = pb.ExplainPromptRequest(messages=MESSAGES, difficulty=difficulty, language="es")
    explained = await server.generation.ExplainPrompt(explain)
    assert explained.messages == [pb.Message(role=pb.ROLE_SYSTEM, content=text), *MESSAGES]
    assert (explained.prompt_tokens, explained.model) == (answer.usage.prompt_tokens, "echo")
    assert (explained.template, explained.language) == (template, "es")


async def test_without_a_difficulty_it_is_estimated_and_told(server):
    call = server.generation.GenerateStream(pb.GenerateStreamRequest(messages=MESSAGES))
    started = (await call.read()).started
    assert (started.template, started.language) == ("chat", "en")
    assert 0 <= started.difficulty < 30
    spanish = [pb.Message(role=pb.ROLE_USER, content="¿Cuál es la capital de Francia?")]
    answer = await server.generation.Generate(pb.GenerateRequest(messages=spanish))
    assert (answer.template, answer.language) == ("chat", "es")


async def test_an_estimate_is_explained(server):
    proof = "Prove step by step that there are infinitely many primes, and explain why each step holds."
    request = pb.ExplainPromptRequest(messages=[pb.Message(role=pb.ROLE_USER, content=proof)])
    explained = await server.generation.ExplainPrompt(request)
    assert explained.difficulty >= 70
    assert explained.template == "reasoning"
    points = [signal.points for signal in explained.signals]
    assert points
    assert points == sorted(points, key=abs, reverse=True)
    assert (explained.route, explained.models) == ("default", ["echo"])


async def test_a_template_is_named_with_variables(server):
    request = pb.GenerateRequest(
        messages=MESSAGES, template="support", template_variables={"product": "a b c"}
    )
    answer = await server.generation.Generate(request)
    assert answer.template == "support"
    assert not answer.HasField("language")
    assert answer.usage.prompt_tokens == ASKED + 1 + len(["Help", "with", "a", "b", "c."])
    assert answer.choices[0].text == "What is", "its max_tokens"


async def test_the_callers_max_tokens_goes_before_the_templates(server):
    sampling = pb.SamplingParams(max_tokens=3)
    request = pb.GenerateRequest(messages=MESSAGES, template="support", sampling=sampling)
    assert (await server.generation.Generate(request)).choices[0].text == "What is the"


async def test_a_templates_max_tokens_is_no_reason_to_refuse(start):
    sets = ["models.echo.settings.context_length=20", "prompts.templates.chat.max_tokens=500"]
    async with start(*sets) as server:
        request = pb.GenerateRequest(messages=MESSAGES, template="chat")
        assert (await server.generation.Generate(request)).choices[0].text == QUESTION


@pytest.mark.parametrize("request_", [{"messages": MESSAGES, "template": ""}, {"prompt": QUESTION}])
async def test_templates_are_turned_off_and_raw_prompts_never_touched(server, request_):
    answer = await server.generation.Generate(pb.GenerateRequest(**request_))
    assert not answer.HasField("template")
    assert answer.HasField("difficulty")
    assert (
        answer.usage.prompt_tokens
        == (
            await server.generation.CountTokens(
                pb.CountTokensRequest(**{key: value for key, value in request_.items() if key != "template"})
            )
        ).tokens
    )


async def test_a_system_message_of_the_caller_stays_alone(server):
    messages = [pb.Message(role=pb.ROLE_SYSTEM, content="Mine."), *MESSAGES]
    answer = await server.generation.Generate(pb.GenerateRequest(messages=messages))
    assert not answer.HasField("template")
    assert answer.usage.prompt_tokens == ASKED + 2


async def test_a_template_stands_before_the_instruction_for_sources(start):
    async with start() as server:
        await server.retrieval.CreateCollection(retrieval_pb2.CreateCollectionRequest(name="docs"))
        ask = {"messages": MESSAGES, "template": "chat", "retrieval": pb.Retrieval(collection="docs")}
        found = await server.generation.Generate(pb.GenerateRequest(**ask))
        plain = await server.generation.Generate(pb.GenerateRequest(**{**ask, "template": ""}))
        assert found.template == "chat"
        assert found.usage.prompt_tokens == plain.usage.prompt_tokens + len(
            ["Answer", "briefly", "and", "clearly:"]
        )


WRONG = {
    "above": ({"difficulty": 101}, "INVALID_ARGUMENT", ["difficulty"]),
    "below": ({"difficulty": -1}, "INVALID_ARGUMENT", ["difficulty"]),
    "template": ({"template": "nope"}, "TEMPLATE_NOT_FOUND", ["template"]),
    "variable": (
        {"template": "support", "template_variables": {"prodct": "x"}},
        "INVALID_ARGUMENT",
        ["template_variables[prodct]"],
    ),
    "variables alone": ({"template_variables": {"x": "y"}}, "INVALID_ARGUMENT", ["template_variables"]),
    "language": ({"language": "fr"}, "INVALID_ARGUMENT", ["language"]),
    "route": ({"model": "nope"}, "MODEL_NOT_FOUND", ["model"]),
}


@pytest.mark.parametrize(("fields", "reason", "blamed"), WRONG.values(), ids=WRONG)
async def test_what_is_wrong_is_named_before_the_stream_begins(server, failure, fields, reason, blamed):
    code = "INVALID_ARGUMENT" if reason == "INVALID_ARGUMENT" else "NOT_FOUND"
    for call in (
        server.generation.GenerateStream(pb.GenerateStreamRequest(messages=MESSAGES, **fields)),
        server.generation.Generate(pb.GenerateRequest(messages=MESSAGES, **fields)),
        server.generation.ExplainPrompt(pb.ExplainPromptRequest(messages=MESSAGES, **fields)),
    ):
        assert await failure(call) == (code, reason, blamed, None)


async def test_a_template_that_fails_with_a_callers_value_is_the_callers(start, failure):
    sets = ["prompts.templates.t.text='{{ 10 // (n | int) }}'", "prompts.templates.t.variables.n='5'"]
    async with start(*sets) as server:
        request = pb.GenerateRequest(messages=MESSAGES, template="t", template_variables={"n": "0"})
        found = await failure(server.generation.Generate(request))
        assert found == ("INVALID_ARGUMENT", "INVALID_ARGUMENT", ["template_variables"], None)
