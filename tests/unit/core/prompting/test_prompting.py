"""Which template a request gets, and what becomes of it."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from jarvis.app.templates import compile_template
from jarvis.core.lifecycle.component import Component, WhenUnwell
from jarvis.core.prompting import Prompting, Tier
from jarvis.core.prompting import prompting as module
from jarvis_ports.difficulty import Estimate, Signal
from jarvis_ports.errors import InvalidArgument, TemplateNotFound, UnsupportedField
from jarvis_ports.health import Health
from jarvis_ports.llm import ALL_FIELDS, GenerateRequest, LLMCapabilities, Message, Role, SamplingParams
from jarvis_ports.values import PromptParams
from tests.pictures import RED

TEMPLATES = {
    "chat": compile_template("chat", {"en": "Briefly:", "es": "Breve:"}, {}, temperature=0.5, max_tokens=9),
    "hard": compile_template("hard", {"en": "Think:", "es": "Piensa:"}, {}),
    "plain": compile_template("plain", {None: "Of {{ it }}."}, {"it": "tea"}),
}
TIERS = [Tier("chat", 30), Tier("hard", None)]
ALL = LLMCapabilities(100, ALL_FIELDS)


class Estimator:
    """Reads the difficulty and the language off the text: "30 en why?"."""

    error = None

    def __init__(self):
        self.texts = []

    async def estimate(self, text):
        self.texts.append(text)
        if self.error:
            raise self.error
        points, language, *_ = text.split()
        return Estimate(int(points), language, (Signal("digits", float(points), points),))

    async def health(self):
        return Health(ok=True)


@pytest.fixture
async def estimator():
    return Estimator()


@pytest.fixture
async def prompting(estimator):
    @asynccontextmanager
    async def opened():
        yield estimator

    component = Component("estimator", "e", "e", opened, WhenUnwell.WAIT)
    run = asyncio.create_task(component.run())
    while not component.loaded:
        await asyncio.sleep(0)
    yield Prompting(component, TEMPLATES, TIERS, automatic=True, language="en")
    run.cancel()


def user(*texts):
    return tuple(Message(Role.USER, text) for text in texts)


async def test_the_difficulty_chooses_the_template_and_the_text_its_language(prompting):
    chosen = await prompting.choose(user("29 es hola"), PromptParams())
    assert (chosen.template, chosen.language, chosen.text, chosen.difficulty) == ("chat", "es", "Breve:", 29)
    assert chosen.signals == (Signal("digits", 29, "29"),)
    assert (await prompting.choose(user("30 en hello"), PromptParams())).text == "Think:"


async def test_a_given_difficulty_goes_before_the_estimate(prompting):
    chosen = await prompting.choose(user("90 es hola"), PromptParams(difficulty=0))
    assert (chosen.template, chosen.language, chosen.difficulty, chosen.signals) == ("chat", "es", 0, ())


async def test_a_conversation_is_as_hard_as_its_hardest_question(prompting, estimator):
    talk = [*user("70 es por qué"), Message(Role.ASSISTANT, "99 en because"), *user("5 es y eso")]
    chosen = await prompting.choose(talk, PromptParams())
    assert (chosen.difficulty, chosen.text) == (70, "Piensa:")
    assert estimator.texts == ["70 es por qué", "5 es y eso"]


async def test_what_is_estimated_of_a_message_with_images_is_its_text(prompting, estimator):
    asked = [Message(Role.USER, parts=(RED, "70 es qué es")), Message(Role.USER, parts=(RED,))]
    chosen = await prompting.choose(asked, PromptParams())
    assert (chosen.difficulty, chosen.language) == (70, "es")
    assert estimator.texts == ["70 es qué es"]
    assert (await prompting.choose(asked[1:], PromptParams())).difficulty is None


async def test_only_the_last_questions_of_a_long_conversation_are_estimated(prompting, estimator):
    await prompting.choose(user(*(f"{i} en x" for i in range(100))), PromptParams())
    assert estimator.texts == [f"{i} en x" for i in range(92, 100)]


async def test_a_template_can_be_named_or_turned_off(prompting):
    named = await prompting.choose(
        user("90 es x"), PromptParams(template="plain", template_variables={"it": "wine"})
    )
    assert (named.text, named.language, named.difficulty) == ("Of wine.", None, 90)
    off = await prompting.choose(user("90 es x"), PromptParams(template=""))
    assert (off.template, off.text, off.difficulty) == (None, "", 90)


async def test_a_system_message_of_the_caller_stays_and_a_raw_prompt_is_not_touched(prompting):
    for input_ in ((Message(Role.SYSTEM, "Mine."), *user("90 es x")), "90 es x"):
        chosen = await prompting.choose(input_, PromptParams())
        assert (chosen.template, chosen.difficulty) == (None, 90)
        request = GenerateRequest("r", input_)
        assert chosen.applied(request) == request


async def test_an_answer_from_sources_gets_none_unless_it_is_named(prompting):
    question = user("90 es x")
    assert (await prompting.choose(question, PromptParams(), from_sources=True)).template is None
    named = await prompting.choose(question, PromptParams(template="chat"), from_sources=True)
    assert (named.text, named.difficulty) == ("Breve:", 90)
    with pytest.raises(InvalidArgument, match="language"):
        await prompting.choose(question, PromptParams(language="es"), from_sources=True)


async def test_it_need_not_be_automatic():
    prompting = Prompting(None, TEMPLATES, TIERS, automatic=False, language="en")
    assert (await prompting.choose(user("x"), PromptParams(difficulty=5))).template is None
    assert (await prompting.choose(user("x"), PromptParams(template="hard"))).text == "Think:"


async def test_without_an_estimator_a_difficulty_still_chooses():
    prompting = Prompting(None, TEMPLATES, TIERS, automatic=True, language="es")
    chosen = await prompting.choose(user("x"), PromptParams(difficulty=5))
    assert (chosen.text, chosen.difficulty) == ("Breve:", 5)
    nothing = await prompting.choose(user("x"), PromptParams())
    assert (nothing.template, nothing.difficulty) == (None, None)


async def test_an_estimator_that_fails_costs_the_estimate_and_no_more(prompting, estimator, caplog):
    estimator.error = RuntimeError("out of order")
    chosen = await prompting.choose(user("90 es x"), PromptParams())
    assert (chosen.template, chosen.difficulty) == (None, None)
    assert "out of order" in caplog.text


async def test_an_estimator_that_does_not_answer_is_done_without(prompting, estimator, caplog, monkeypatch):
    monkeypatch.setattr(module, "ESTIMATE_SECONDS", 0.01)
    monkeypatch.setattr(estimator, "estimate", lambda _: asyncio.Event().wait())
    assert (await prompting.choose(user("90 es x"), PromptParams())).difficulty is None
    assert "no estimate of difficulty: TimeoutError()" in caplog.text


SYSTEM = (Message(Role.SYSTEM, "Mine."), *user("1 en x"))


@pytest.mark.parametrize(
    ("input_", "options", "blamed"),
    [
        (user("1 en x"), PromptParams(difficulty=101), "difficulty"),
        (user("1 en x"), PromptParams(difficulty=-1), "difficulty"),
        ("1 en x", PromptParams(template="chat"), "template"),
        (SYSTEM, PromptParams(template="chat"), "template"),
        (user("1 en x"), PromptParams(template_variables={"it": "x"}), "template_variables"),
        (user("1 en x"), PromptParams(template="", template_variables={"it": "x"}), "template_variables"),
        (
            user("1 en x"),
            PromptParams(template="plain", template_variables={"ti": "x"}),
            "template_variables[ti]",
        ),
        (user("1 en x"), PromptParams(language="fr"), "language"),
        (user("1 en x"), PromptParams(template="", language="es"), "language"),
        (SYSTEM, PromptParams(language="es"), "language"),
        ("1 en x", PromptParams(language="es"), "language"),
    ],
)
async def test_an_option_without_effect_is_refused(prompting, input_, options, blamed):
    with pytest.raises(InvalidArgument) as caught:
        await prompting.choose(input_, options)
    assert [violation.field for violation in caught.value.violations] == [blamed]


async def test_an_unknown_template_names_those_there_are(prompting):
    with pytest.raises(TemplateNotFound, match="no template 'x'; there is chat, hard, plain") as caught:
        await prompting.choose(user("1 en x"), PromptParams(template="x"))
    assert [violation.field for violation in caught.value.violations] == ["template"]


async def test_it_becomes_the_system_message_and_its_options_hold_where_the_request_has_none(prompting):
    chosen = (await prompting.choose(user("1 en x"), PromptParams())).for_model(ALL)
    request = GenerateRequest("r", user("1 en x"))
    applied = chosen.applied(request)
    assert applied.input == (Message(Role.SYSTEM, "Briefly:"), *request.input)
    assert applied.sampling == SamplingParams(temperature=0.5, max_tokens=9)
    own = GenerateRequest("r", user("1 en x"), SamplingParams(temperature=0.0, max_tokens=1))
    assert chosen.applied(own).sampling == own.sampling
    longer = GenerateRequest("r", user("1 en x"), SamplingParams(min_tokens=20))
    assert chosen.applied(longer).sampling.max_tokens == 20, "what the request sets goes before"


async def test_what_a_model_cannot_take_is_left_out_unless_it_was_asked_for(prompting):
    bare = LLMCapabilities(100, frozenset({"messages", "messages.role.system"}))
    chosen = (await prompting.choose(user("1 en x"), PromptParams())).for_model(bare)
    assert chosen.applied(GenerateRequest("r", user("x"))).sampling == SamplingParams()

    no_system = LLMCapabilities(100, ALL_FIELDS - {"messages.role.system"})
    chosen = (await prompting.choose(user("1 en x"), PromptParams())).for_model(no_system)
    assert (chosen.template, chosen.difficulty) == (None, 1)
    named = await prompting.choose(user("1 en x"), PromptParams(template="chat"))
    with pytest.raises(UnsupportedField) as caught:
        named.for_model(no_system)
    assert [violation.field for violation in caught.value.violations] == ["template"]
