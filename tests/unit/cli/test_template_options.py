"""The options of templates, which several commands share."""

import pytest

from jarvis.v1 import generation_pb2 as pb

COMMANDS = [
    ["generate", "x"],
    ["generate", "x", "--json"],
    ["ask", "x"],
    ["chat"],
    ["prompt", "explain", "x"],
]


@pytest.fixture(params=COMMANDS, ids=" ".join)
async def command(request, answer, run):
    """Runs each command that has them."""
    address = await answer(ExplainPrompt=pb.ExplainPromptResponse())
    return lambda *arguments: run(*request.param, *arguments, "--server", address, stdin="x\n")


async def test_they_reach_the_server(command, fake):
    code, _, err = await command(
        *("--template", "technical", "--difficulty", "0", "--language", "es"),
        *("--var", "audience=novices", "--var", "sum=1+1=2", "--var", "empty="),
    )
    assert (code, err) == (0, "")
    (request,) = fake.requests
    assert (request.template, request.language) == ("technical", "es")
    assert (request.HasField("difficulty"), request.difficulty) == (True, 0)
    assert request.template_variables == {"audience": "novices", "sum": "1+1=2", "empty": ""}


async def test_no_template_is_an_empty_one(command, fake):
    await command("--no-template")
    (request,) = fake.requests
    assert (request.HasField("template"), request.template) == (True, "")


async def test_what_is_left_out_is_left_to_the_server(command, fake):
    await command()
    (request,) = fake.requests
    assert not any(request.HasField(name) for name in ("template", "difficulty", "language"))
    assert not request.template_variables


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--template", "a", "--no-template"], "--template and --no-template: give one of them"),
        (["--difficulty", "101"], "'--difficulty': "),
        (["--difficulty", "-1"], "'--difficulty': "),
        (["--difficulty", "hard"], "'--difficulty': "),
        (["--var", "audience"], "--var: 'audience' is not NAME=VALUE"),
        (["--var", "=x"], "--var: '=x' is not NAME=VALUE"),
        (["--var", "a=1", "--var", "a=2"], "--var: 'a' is given twice"),
    ],
    ids=" ".join,
)
async def test_bad_ones_are_refused_before_anything_is_sent(command, fake, arguments, complaint):
    code, out, err = await command(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert complaint in err
    assert fake.requests == []
