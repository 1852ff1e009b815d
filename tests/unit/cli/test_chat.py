import json

import grpc

from jarvis.v1 import generation_pb2 as pb
from tests.pictures import RED
from tests.unit.conftest import TIMINGS, USAGE


async def test_a_conversation_is_kept(fake, run):
    code, out, err = await run("chat", "--server", fake.address, "--system", "Brief.", stdin="Hi\n\nAnd now?")
    assert (code, out, err) == (0, "Paris.\nParis.\n", "")
    first, second = ([message.content for message in request.messages] for request in fake.requests)
    assert first == ["Brief.", "Hi"]
    assert second == ["Brief.", "Hi", "Paris.", "And now?"]


async def test_images_go_with_the_first_line(fake, run, tmp_path):
    (tmp_path / "red.png").write_bytes(RED.data)
    arguments = ("--server", fake.address, "--image", str(tmp_path / "red.png"))
    assert (await run("chat", *arguments, stdin="What?\nAnd now?\n"))[0] == 0
    first, second = fake.requests
    image, text = first.messages[0].parts
    assert (image.image.data, text.text) == (RED.data, "What?")
    assert second.messages[0] == first.messages[0], "it stays in the conversation"
    assert (second.messages[2].content, len(second.messages[2].parts)) == ("And now?", 0)


async def test_options_reach_the_server(fake, run):
    await run(
        "chat", "--server", fake.address, "--temperature", "0", "--max-tokens", "5", "--seed", "1", stdin="x"
    )
    sampling = fake.requests[0].sampling
    assert (sampling.temperature, sampling.max_tokens, sampling.seed) == (0, 5, 1)
    assert sampling.HasField("temperature")


async def test_a_failure_ends_a_chat_that_nobody_types(fake, run):
    fake.fail(grpc.StatusCode.INTERNAL, "engine failure")
    code, out, err = await run("chat", "--server", fake.address, stdin="x\ny\n")
    assert (code, out, err) == (1, "", "jarvis: engine failure\n")
    assert len(fake.requests) == 1


def stream(reason, *deltas):
    finished = pb.Finished(reason=reason, usage=USAGE, timings=TIMINGS)
    return [
        pb.GenerateStreamResponse(started=pb.Started(request_id="r", model="m", prompt_tokens=1)),
        *(pb.GenerateStreamResponse(delta=delta) for delta in deltas),
        pb.GenerateStreamResponse(finished=finished),
    ]


async def test_a_call_is_shown_and_the_next_line_is_its_result(fake, run, tmp_path):
    parts = ({"id": "c1", "name": "weather"}, {"arguments": '{"city": '}, {"arguments": '"Rome"}'})
    calls = [pb.Delta(tool_calls=[pb.ToolCallDelta(**part)], reasoning="Hm.") for part in parts]
    fake.streams = [
        stream(pb.FINISH_REASON_TOOL_CALLS, *calls),
        stream(pb.FINISH_REASON_STOP, pb.Delta(text="Sunny.")),
    ]
    file = tmp_path / "tools.json"
    file.write_text(json.dumps([{"name": "weather", "parameters": {"type": "object"}}]))
    code, out, err = await run(
        "chat", "--server", fake.address, "--tools", str(file), stdin="How is Rome?\n22 C\n"
    )
    assert (code, out) == (0, "\nSunny.\n")
    assert err == 'jarvis: the model calls weather({"city": "Rome"})\n'
    assert [tool.name for tool in fake.requests[0].tools] == ["weather"]
    asked, called, result = fake.requests[1].messages
    assert (asked.content, called.tool_calls[0].id) == ("How is Rome?", "c1")
    assert (result.role, result.content, result.tool_call_id) == (pb.ROLE_TOOL, "22 C", "c1")


async def test_tools_in_the_form_of_openai_are_read(fake, run, tmp_path):
    file = tmp_path / "tools.json"
    function = {"name": "now", "description": "The time.", "strict": True}
    file.write_text(json.dumps([{"type": "function", "function": function}]))
    await run("chat", "--server", fake.address, "--tools", str(file), stdin="x\n")
    (tool,) = fake.requests[0].tools
    assert (tool.name, tool.description, tool.strict) == ("now", "The time.", True)


async def test_a_file_that_holds_no_tools_is_told(fake, run, tmp_path):
    file = tmp_path / "tools.json"
    for text, told in (
        ("{", "Expecting property name"),
        ("5", "[0] is no object"),
        ('[{"nam": "x"}]', "[0].nam is not known"),
        ('["x"]', "[0] is no object"),
        ('[{"name": "x"}, {"name": 1}]', "[1].name is of the wrong type"),
        ('[{"name": "x", "parameters": []}]', "[0].parameters is of the wrong type"),
        ('[{"name": "x", "strict": "yes"}]', "[0].strict is of the wrong type"),
        ('[{"type": "function", "function": 5}]', "[0] is no object"),
        ("[{}]", "[0] has no name"),
    ):
        file.write_text(text)
        code, _, err = await run("chat", "--server", fake.address, "--tools", str(file), stdin="x\n")
        assert code == 2
        assert "needs a JSON array of objects with name" in " ".join(err.split())
        assert told in " ".join(err.split())
