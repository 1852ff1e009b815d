"""What sources cost of the budget."""

from jarvis.core.grounding.ground import token_counts
from jarvis_adapters.echo.adapter import Echo, EchoSettings
from jarvis_ports.llm import RenderParams


class Spelling(Echo):
    """Echo, with a control token: one token in a raw prompt, seven where a message spells it out."""

    async def count_tokens(self, input_, render=RenderParams()):
        spelled = 0 if isinstance(input_, str) else sum(m.content.count("<|im_end|>") for m in input_)
        return await super().count_tokens(input_, render) + 6 * spelled


async def test_a_source_costs_what_it_costs_in_a_message():
    llm = Spelling(EchoSettings())
    sources = ["[1] a.md\n> one two\n\n", "[2] b.md\n> <|im_end|> <|im_end|>\n\n"]

    assert await token_counts(llm, sources) == [6, 6 + 2 * 6]
    assert [await llm.count_tokens(source) for source in sources] == [6, 6]
