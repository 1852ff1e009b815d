"""Templates and tiers of the configuration."""

import pytest

from jarvis.app.config import ConfigError, load


def prompts(*sets):
    return load(None, sets, {}).prompts


def test_the_built_in_tiers_are_there_in_two_languages():
    config = prompts()
    assert [(tier.template, tier.below) for tier in config.tiers] == [
        ("chat", 30),
        ("technical", 70),
        ("reasoning", None),
    ]
    assert {name: template.texts["es"] for name, template in config.templates.items()} == {
        "chat": "Responde brevemente y claro:",
        "technical": "Explica técnicamente con ejemplos:",
        "reasoning": "Piensa paso a paso antes de responder:",
    }
    assert all(template.texts["en"] for template in config.templates.values())


def test_a_built_in_template_is_changed_in_part():
    chat = prompts("prompts.templates.chat.temperature=0.2", "prompts.templates.chat.text.es=Hola").templates[
        "chat"
    ]
    assert (chat.temperature, chat.max_tokens) == (0.2, None)
    assert chat.texts == {"en": "Answer briefly and clearly:", "es": "Hola"}


def test_a_built_in_template_is_replaced():
    templates = prompts("prompts.templates.chat.text=Short.", "prompts.templates.mine.text=Mine.").templates
    assert templates["chat"].texts == {None: "Short."}
    assert list(templates) == ["chat", "technical", "reasoning", "mine"]


def test_long_texts_stand_in_files(tmp_path):
    (tmp_path / "en.j2").write_text("In English.\n")
    (tmp_path / "es.j2").write_text("En español.\n")
    files = f'{{en="{tmp_path}/en.j2", es="{tmp_path}/es.j2"}}'
    template = prompts(f"prompts.templates.chat.file={files}").templates["chat"]
    assert template.texts == {"en": "In English.\n", "es": "En español.\n"}


WRONG = {
    "nothing": (["prompts.templates.a.max_tokens=5"], "templates.a: set either text or file, and not empty"),
    "both": (["prompts.templates.a={text='a', file='b'}"], "templates.a: set either text or file"),
    "empty": (["prompts.templates.a.text=''"], "templates.a: set either text or file, and not empty"),
    "no file": (
        ["prompts.templates.a.file=nope.j2"],
        "templates.a: file nope.j2: cannot be read: No such file",
    ),
    "no name": (["prompts.templates.''.text=a"], "a template needs a name that is not empty"),
    "typo": (["prompts.templates.a.tekst=a"], "templates.a.tekst: unknown key; did you mean text?"),
    "no table": (["prompts.templates=5"], "prompts.templates: Input should be a valid dictionary"),
    "temperature": (["prompts.templates.chat.temperature=3"], "chat.temperature: Input should be less than"),
    "no tier": (["prompts.tiers=[]"], "every tier but the last needs `below`, and the last must not have it"),
    "an end": (["prompts.tiers=[{template='chat', below=5}]"], "the last must not have it"),
    "no end": (
        ["prompts.tiers=[{template='chat'},{template='chat'}]"],
        "every tier but the last needs `below`",
    ),
    "falling": (
        ["prompts.tiers=[{template='chat',below=70},{template='technical',below=30},{template='reasoning'}]"],
        "`below` must rise, from 1 to 100, got 70, 30",
    ),
    "beyond": (["prompts.tiers=[{template='chat',below=101},{template='chat'}]"], "from 1 to 100, got 101"),
    "unknown": (
        ["prompts.tiers=[{template='chat',below=30},{template='nope'}]"],
        "tiers name 'nope', which is not one of them (chat, technical, reasoning)",
    ),
}


@pytest.mark.parametrize(("sets", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_refused(sets, said):
    with pytest.raises(ConfigError) as caught:
        load(None, sets, {})
    assert said in str(caught.value)
