import json
from base64 import b64encode

import grpc
import pytest

from jarvis.v1 import generation_pb2 as pb
from tests.pictures import GREEN, RED


async def test_the_answer_is_printed_and_ends_its_line(fake, run):
    assert await run("generate", "Capital?", "--server", fake.address) == (0, "Paris.\n", "")
    (request,) = fake.requests
    assert request == pb.GenerateStreamRequest(
        messages=[pb.Message(role=pb.ROLE_USER, content="Capital?")], sampling=pb.SamplingParams()
    )


async def test_a_line_that_the_answer_ends_itself_is_not_ended_twice(fake, run):
    fake.texts = ["Paris.\n"]
    assert (await run("generate", "x", "--server", fake.address))[1] == "Paris.\n"


@pytest.mark.parametrize("arguments", [[], ["-"]])
async def test_the_prompt_is_read_from_standard_input(fake, run, arguments):
    code, _, _ = await run("generate", *arguments, "--server", fake.address, stdin="Hi\nthere\n")
    assert code == 0
    assert fake.requests[0].messages[0].content == "Hi\nthere"


async def test_a_raw_prompt_is_passed_on_as_it_is(fake, run):
    await run("generate", "--raw", "--server", fake.address, stdin="Once \n")
    assert fake.requests[0].prompt == "Once \n"
    assert not fake.requests[0].messages


async def test_images_go_with_the_prompt(fake, run, tmp_path):
    (tmp_path / "red.png").write_bytes(RED.data)
    uri = f"data:image/png;base64,{b64encode(GREEN.data).decode()}"
    images = ("--image", str(tmp_path / "red.png"), "--image", uri)
    assert (await run("generate", "Which?", *images, "--server", fake.address))[0] == 0
    red, green, text = fake.requests[0].messages[0].parts
    assert (red.image.data, green.image.data, text.text) == (RED.data, GREEN.data, "Which?")


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("no such.png", "no such.png: No such file or directory"),
        ("https://example.org/a.png", "is an address, and nothing is fetched"),
        ("data:image/png;base64,%", "is no base64"),
    ],
)
async def test_an_image_that_cannot_be_read_is_one_line(fake, run, image, told):
    code, out, err = await run("generate", "x", "--image", image, "--server", fake.address)
    assert (code, out) == (2, "")
    assert "--image" in err
    assert told in err
    assert not fake.requests


async def test_a_raw_prompt_has_no_images(fake, run):
    code, _, err = await run("generate", "--raw", "x", "--image", "a.png", "--server", fake.address)
    assert code == 2
    assert "a raw prompt has no images" in err


async def test_options_reach_the_server(fake, run, monkeypatch):
    monkeypatch.setenv("JARVIS_SERVER", fake.address)
    await run(
        *("generate", "x", "--system", "Be brief.", "--model", "m", "--temperature", "0", "--top-p", "0.5"),
        *(
            "--max-tokens",
            "9",
            "--seed",
            "-1",
            "--stop",
            "a",
            "--stop",
            "b",
            "--choice",
            "yes",
            "--choice",
            "no",
        ),
    )
    (request,) = fake.requests
    assert [message.role for message in request.messages] == [pb.ROLE_SYSTEM, pb.ROLE_USER]
    assert request.model == "m"
    assert request.sampling == pb.SamplingParams(
        temperature=0, top_p=0.5, max_tokens=9, seed=-1, stop=["a", "b"]
    )
    assert request.structured_output.choice.values == ["yes", "no"]


async def test_json_is_one_document_with_everything(fake, run):
    code, out, err = await run("generate", "x", "--json", "--server", fake.address)
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "text": "Paris.",
        "reason": "length",
        "request_id": "r-1",
        "model": "echo",
        "choices": [
            {
                "index": 0,
                "text": "Paris.",
                "reason": "length",
                "matched_stop": None,
                "token_ids": [],
                "logprobs": [],
                "tool_calls": [],
                "unread_tool_call": False,
                "reasoning": "",
                "cited": [],
                "cited_unknown": [],
            }
        ],
        "usage": {
            "prompt_tokens": 5,
            "completion_tokens": 2,
            "cached_tokens": 0,
            "reasoning_tokens": None,
            "estimated": False,
        },
        "timings": {
            "total_seconds": 0.5,
            "queue_seconds": 0.0,
            "time_to_first_token_seconds": 0.25,
            "retrieval_seconds": None,
        },
        "retrieved": None,
        "template": None,
        "difficulty": None,
        "language": None,
        "routing": None,
        "prompt_logprobs": [],
    }


async def test_json_tells_how_the_model_was_found(answer, run):
    routing = pb.Routing(
        route="default",
        reason=pb.ROUTING_REASON_FALLBACK,
        skipped=[pb.SkippedModel(model="big", reason="ENGINE_DEAD")],
    )
    circumstances = {"template": "technical", "difficulty": 0, "language": "es", "routing": routing}
    choice = pb.Choice(text="x", reason=pb.FINISH_REASON_STOP)
    address = await answer(Generate=pb.GenerateResponse(model="small", choices=[choice], **circumstances))
    _, out, _ = await run("generate", "x", "--json", "--server", address)
    found = json.loads(out)
    assert {name: found[name] for name in circumstances} == {
        **circumstances,
        "routing": {
            "route": "default",
            "reason": "fallback",
            "skipped": [{"model": "big", "reason": "ENGINE_DEAD"}],
        },
    }


async def test_structured_output_is_read_from_files(fake, run, tmp_path):
    file = tmp_path / "form"
    file.write_text("root ::= x")
    await run("generate", "x", "--grammar", str(file), "--server", fake.address)
    await run("generate", "x", "--json-schema", str(file), "--server", fake.address)
    await run("generate", "x", "--regex", "a+", "--server", fake.address)
    outputs = [request.structured_output for request in fake.requests]
    assert outputs == [
        pb.StructuredOutput(grammar="root ::= x"),
        pb.StructuredOutput(json_schema="root ::= x"),
        pb.StructuredOutput(regex="a+"),
    ]


async def test_bad_options_are_refused_before_anything_is_sent(fake, run, tmp_path):
    (tmp_path / "latin").write_bytes(b"\xff")
    for arguments, complaint in [
        (["--regex", "a", "--choice", "b"], "--regex and --choice: an answer can obey one constraint"),
        (["--raw", "--system", "s"], "--system: a raw prompt has no system message"),
        (["--grammar", str(tmp_path / "latin")], "is not UTF-8"),
        (
            ["--max-tokens", "99999999999"],
            "sampling.max_tokens: must be in [-2147483648, 2147483647], got 99999999999",
        ),
    ]:
        code, out, err = await run("generate", "x", *arguments, "--server", fake.address)
        assert (code, out) == (2, "")
        assert err.startswith("jarvis: ")
        assert complaint in err
    assert fake.requests == []


async def test_standard_input_that_is_not_utf_8(fake, run):
    code, _, err = await run("generate", "--server", fake.address, stdin=b"caf\xe9")
    assert (code, err) == (2, "jarvis: messages[0].content: is not valid Unicode\n")


async def test_what_the_server_refuses_is_one_line(fake, run):
    fake.fail(grpc.StatusCode.INVALID_ARGUMENT, "sampling.top_p: must be in (0, 1]")
    code, out, err = await run("generate", "x", "--server", fake.address)
    assert (code, out, err) == (2, "", "jarvis: sampling.top_p: must be in (0, 1]\n")


async def test_a_failure_after_some_text_stands_on_a_line_of_its_own(fake, run):
    fake.unfinished = 1
    code, out, err = await run("generate", "x", "--server", fake.address)
    assert (code, out) == (1, "Paris.\n")
    assert err == "jarvis: the stream ended with 1 of its choices unfinished\n"
