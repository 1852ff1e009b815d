import grpc


async def test_a_conversation_is_kept(fake, run):
    code, out, err = await run("chat", "--server", fake.address, "--system", "Brief.", stdin="Hi\n\nAnd now?")
    assert (code, out, err) == (0, "Paris.\nParis.\n", "")
    first, second = ([message.content for message in request.messages] for request in fake.requests)
    assert first == ["Brief.", "Hi"]
    assert second == ["Brief.", "Hi", "Paris.", "And now?"]


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
