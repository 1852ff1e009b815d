import json

import grpc
import pytest
from google.rpc import error_details_pb2

from jarvis.v1 import generation_pb2 as pb

FOUND = {
    "difficulty": 62,
    "signals": [pb.Signal(name="code", points=30, found="def f(x)"), pb.Signal(name="short", points=-7.5)],
    "template": "technical",
    "language": "en",
    "messages": [
        pb.Message(role=pb.ROLE_SYSTEM, content="Explain technically, with examples:"),
        pb.Message(role=pb.ROLE_USER, content="Why?\n\n\tdef f(x)"),
    ],
    "route": "default",
    "models": ["small", "big"],
    "model": "big",
    "prompt_tokens": 17,
}
SHOWN = """\
difficulty: 62 of 100, estimated

POINTS  SIGNAL  FOUND
+30.0   code    def f(x)
-7.5    short

template:   technical (en)
route:      default
models:     small, then big
tokens:     17, counted by big

system:
  Explain technically, with examples:

user:
  Why?

      def f(x)
"""


def lines(text):
    return [line.rstrip() for line in text.splitlines()]


async def test_a_prompt_is_explained(answer, fake, run):
    address = await answer(ExplainPrompt=pb.ExplainPromptResponse(**FOUND))
    code, out, err = await run("prompt", "explain", "Why?", "--server", address)
    assert (code, err) == (0, "")
    assert lines(out) == lines(SHOWN)
    (request,) = fake.requests
    assert request == pb.ExplainPromptRequest(messages=[pb.Message(role=pb.ROLE_USER, content="Why?")])


async def test_what_is_not_there_is_said(answer, run):
    message = pb.Message(role=pb.ROLE_USER, content="x")
    address = await answer(ExplainPrompt=pb.ExplainPromptResponse(messages=[message], models=["a"]))
    _, out, _ = await run("prompt", "explain", "x", "--server", address)
    assert lines(out) == [
        "difficulty: nothing estimates it",
        "template:   none",
        "route:      none, as the model is named",
        "models:     a",
        "tokens:     not counted, as no model is loaded yet",
        "",
        "user:",
        "  x",
    ]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], "difficulty: 0 of 100, estimated; no signal in the text"),
        (["--difficulty", "0"], "difficulty: 0 of 100, as given"),
    ],
)
async def test_a_difficulty_without_signals(answer, run, arguments, shown):
    address = await answer(ExplainPrompt=pb.ExplainPromptResponse(difficulty=0))
    _, out, _ = await run("prompt", "explain", "x", *arguments, "--server", address)
    assert out.splitlines()[0] == shown
    assert "POINTS" not in out


async def test_a_raw_prompt_has_no_messages(answer, fake, run):
    address = await answer(ExplainPrompt=pb.ExplainPromptResponse(models=["a"]))
    _, out, _ = await run("prompt", "explain", "--raw", "--server", address, stdin="Once \n")
    assert out.splitlines()[-1] == "messages:   none, as a raw prompt goes to the model as it is"
    assert fake.requests == [pb.ExplainPromptRequest(prompt="Once \n")]


async def test_what_would_steer_the_terminal_is_shown_escaped(answer, run):
    evil = "a\x1b]0;title\x07b\x9b2J\u202ec\r"
    response = pb.ExplainPromptResponse(
        signals=[pb.Signal(name=evil, found=evil)],
        template=evil,
        messages=[pb.Message(role=pb.ROLE_USER, content=evil)],
        models=[evil],
    )
    address = await answer(ExplainPrompt=response)
    _, out, _ = await run("prompt", "explain", "x", "--server", address)
    assert out.count(r"a\x1b]0;title\x07b\x9b2J\u202ec") == 5
    assert out.replace("\n", "").isprintable()


async def test_json_is_one_document_with_everything(answer, run):
    address = await answer(ExplainPrompt=pb.ExplainPromptResponse(**FOUND))
    code, out, err = await run("prompt", "explain", "x", "--json", "--server", address)
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        **FOUND,
        "signals": [
            {"name": "code", "points": 30.0, "found": "def f(x)"},
            {"name": "short", "points": -7.5, "found": ""},
        ],
        "messages": [
            {
                "role": "system",
                "content": "Explain technically, with examples:",
                "tool_calls": [],
                "tool_call_id": None,
                "parts": [],
            },
            {
                "role": "user",
                "content": "Why?\n\n\tdef f(x)",
                "tool_calls": [],
                "tool_call_id": None,
                "parts": [],
            },
        ],
    }


async def test_images_are_shown_as_such_and_are_in_json(answer, run):
    parts = [pb.ContentPart(text="Which?"), pb.ContentPart(image=pb.Image(data=b"\x89PNG"))]
    message = pb.Message(role=pb.ROLE_USER, parts=parts)
    address = await answer(ExplainPrompt=pb.ExplainPromptResponse(messages=[message], models=["a"]))
    _, out, _ = await run("prompt", "explain", "x", "--server", address)
    assert out.splitlines()[-3:] == ["user:", "  Which?", "  (an image)"]
    _, out, _ = await run("prompt", "explain", "x", "--json", "--server", address)
    assert json.loads(out)["messages"][0]["parts"] == ["Which?", {"data": "iVBORw==", "mime_type": None}]


async def test_an_unknown_template_is_one_line(answer, fake, run):
    address = await answer(ExplainPrompt=pb.ExplainPromptResponse())
    message = "no template 'x'; there is chat, technical, reasoning"
    info = error_details_pb2.ErrorInfo(reason="TEMPLATE_NOT_FOUND", domain="jarvis")
    blame = error_details_pb2.BadRequest(field_violations=[{"field": "template", "description": message}])
    fake.fail(grpc.StatusCode.NOT_FOUND, message, info, blame)
    code, out, err = await run("prompt", "explain", "x", "--template", "x", "--server", address)
    assert (code, out, err) == (2, "", f"jarvis: {message}\n")
