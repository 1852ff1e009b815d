"""The tests of images, for adapters of the `LLM` port that declare `messages.parts.image`."""

from contextlib import suppress

from jarvis_plugins.testkit.llm_base import LLMTests
from jarvis_plugins.testkit.samples import GREEN, RED, SEEN
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.llm import LLM, Image, Message, Role


class ImageConformance(LLMTests):
    """A part of `LLMConformance`."""

    async def test_images_are_counted_with_the_prompt(self, llm: LLM) -> None:
        self.need(llm, "messages.parts.image")
        counts = []
        for images in ((), (RED,), (RED, GREEN)):
            asked = [Message(Role.USER, parts=(*images, "What is it?"))]
            counts.append(await self.count(llm, asked))
            reply = await self.ask(llm, asked)
            assert reply.accepted.prompt_tokens == counts[-1]
        assert counts[0] < counts[1] < counts[2]

    async def test_another_image_does_not_change_what_is_said_of_the_first(self, llm: LLM) -> None:
        self.need(llm, "messages.parts.image")
        before = await self.ask(llm, SEEN)
        await self.ask(llm, [Message(Role.USER, parts=(GREEN, "What is the colour of it?"))])
        assert (await self.ask(llm, SEEN)).text() == before.text()

    async def test_a_damaged_image_is_at_most_refused(self, llm: LLM) -> None:
        self.need(llm, "messages.parts.image")
        before = await self.ask(llm, SEEN)
        for data in (RED.data[:60], RED.data[:-20] + b"\0" * 20):
            with suppress(InvalidArgument):
                await self.ask(llm, [Message(Role.USER, parts=(Image(data), "What is it?"))])
        assert (await self.ask(llm, SEEN)).text() == before.text()
