import json

from jarvis.v1 import generation_pb2 as pb

SHOWN = """\
ID  TOKEN
5   'a'
7   ' \\n'

2 tokens of echo, whose context holds 64
"""


async def test_tokens_are_shown_by_their_ids(fake, run):
    code, out, err = await run("tokenize", "hi", "--server", fake.address)
    assert (code, err) == (0, "")
    assert [line.rstrip() for line in out.splitlines()] == SHOWN.splitlines()
    assert fake.requests == [pb.TokenizeRequest(messages=[pb.Message(role=pb.ROLE_USER, content="hi")])]


async def test_a_raw_prompt_may_go_without_the_tokenizers_own_tokens(fake, run):
    code, out, _ = await run("tokenize", "hi", "--raw", "--no-special", "--json", "--server", fake.address)
    assert code == 0
    assert json.loads(out)["token_ids"] == [5, 7]
    assert fake.requests == [pb.TokenizeRequest(prompt="hi", add_special_tokens=False)]


async def test_a_chat_template_cannot_go_without_its_own(run):
    code, _, err = await run("tokenize", "hi", "--no-special")
    assert (code, "--no-special" in err) == (2, True)


async def test_the_text_of_tokens_is_shown(fake, run):
    code, out, err = await run("detokenize", "5", "7", "--model", "echo", "--server", fake.address)
    assert (code, out, err) == (0, "a \n\n", "")
    assert fake.requests == [pb.DetokenizeRequest(token_ids=[5, 7], model="echo")]
