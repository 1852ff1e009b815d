"""Templates are checked when they are made; what a caller sends can make them fail, and never the server."""

import pytest

from jarvis.app.templates import BadTemplate, compile_template
from jarvis_ports.errors import InvalidArgument


def fields(caught):
    return [violation.field for violation in caught.value.violations]


def test_variables_have_the_configured_values_or_the_callers():
    template = compile_template(
        "t", {None: " Speak of {{ topic }}, {{ tone }}. \n"}, {"topic": "tea", "tone": "dryly"}
    )
    assert template.render(None, {}) == "Speak of tea, dryly."
    assert template.render(None, {"topic": "{{ 1/0 }}"}) == "Speak of {{ 1/0 }}, dryly.", (
        "a value is no template"
    )


WRONG = {
    "unknown variable": (
        "{{ tpoic }}",
        "the variable 'tpoic' does not exist; did you mean topic? (variables: topic)",
    ),
    "in a branch": ("{% if topic == 'x' %}{{ nope }}{% endif %}a", "the variable 'nope' does not exist"),
    "a global": ("{{ range(3) }}", "line 1: a call of range cannot be used in a template"),
    "syntax": ("a\n{% if topic %}", "t (en): line 2: Unexpected end of template"),
    "filter": ("{{ topic | nope }}", "line 1: the filter 'nope' cannot be used in a template"),
    "raises": ("{{ 1 // 0 }}", "it fails: integer division or modulo by zero"),
    "attribute": ("{{ topic.nope }}", "it fails: 'str object' has no attribute 'nope'"),
    "internals": (
        "{{ ''.__class__.__mro__ }}",
        "it fails: access to attribute '__class__' of 'str' object is unsafe",
    ),
    "include": ("{% include 'other' %}", "line 1: include cannot be used in a template"),
    "nested": ("{{ " + "(" * 500 + "1" + ")" * 500 + " }}", "it is nested too deep"),
    "blocks": ("{% for a in topic %}" * 30 + "a" + "{% endfor %}" * 30, "it is nested too deep"),
    "empty": (" \n", "it is empty"),
    "renders to nothing": ("{% if topic == 'x' %}a{% endif %}", "it is empty"),
}


@pytest.mark.parametrize(("source", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_work_is_refused_and_named(source, said):
    with pytest.raises(BadTemplate) as caught:
        compile_template("t", {"es": "Hola", "en": source}, {"topic": "tea"})
    assert str(caught.value).startswith("t (en): ")
    assert said in str(caught.value)


def test_without_variables_the_error_says_where_to_put_one():
    with pytest.raises(BadTemplate, match="'x' does not exist; set it in the template's variables"):
        compile_template("t", {None: "{{ x }}"}, {})


@pytest.mark.parametrize(
    ("source", "variables", "blamed"),
    [
        ("{{ 10 // (n | int) }}", {"n": "0"}, ["template_variables"]),
        ("{% if n != 'none' %}a{% endif %}", {"n": "none"}, ["template_variables"]),
        ("{{ n }}", {"m": "1", "o": "2"}, ["template_variables[m]", "template_variables[o]"]),
        (
            "{% for a in n %}{% for b in n %}{{ n }}{% endfor %}{% endfor %}",
            {"n": "9" * 999},
            ["template_variables"],
        ),
    ],
    ids=["raises", "empty", "unknown", "too large"],
)
def test_values_that_do_not_work_are_the_callers(source, variables, blamed):
    template = compile_template("t", {None: source}, {"n": "1"})
    with pytest.raises(InvalidArgument) as caught:
        template.render(None, variables)
    assert fields(caught) == blamed


def test_the_language_asked_for_goes_before_the_one_spoken_and_that_before_the_configured():
    template = compile_template("t", {"en": "Hi", "es": "Hola"}, {})
    assert template.language("es", "en", "en") == "es"
    assert template.language(None, "es", "en") == "es"
    assert template.language(None, None, "es") == "es"
    assert template.language(None, "fr", "de") == "en", "its first, where it has none of them"
    with pytest.raises(InvalidArgument, match="not there in 'fr'; there is en, es") as caught:
        template.language("fr", "en")
    assert fields(caught) == ["language"]


def test_one_text_is_for_all_languages():
    template = compile_template("t", {None: "Hi"}, {})
    assert template.language("fr", "es") is None
    assert template.render(None, {}) == "Hi"
