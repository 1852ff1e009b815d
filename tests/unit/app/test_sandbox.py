"""What templates cannot do, whether their text or what a caller sends is hostile.

Most would take gigabytes or minutes in Jinja2's own sandbox.
"""

import resource
import time

import psutil
import pytest

from jarvis.app.sandbox import CHARACTERS, SECONDS, TooMuch
from jarvis.app.templates import BadTemplate, compile_template
from jarvis_ports.errors import InvalidArgument

LOOP = "{% for _ in t %}"
END = "{% endfor %}"
REFUSED = {
    "range": ("{% for i in range(10**9) %}a{% endfor %}", "a call of range cannot be used"),
    "power": ("{{ 9 ** 9 ** 9 }}", "pow cannot be used"),
    "repetition": ("{{ 'a' * 1000000000 }}", "* is for numbers"),
    "repeated list": ("{{ ['a'] * 1000000000 }}", "* is for numbers"),
    "printf width": ("{{ '%1000000000d' % 1 }}", "% is for numbers"),
    "format filter": ("{{ '%1000000000d' | format(1) }}", "the filter 'format' cannot be used"),
    "format method": ("{{ '{:1000000000}'.format(1) }}", "a call of format cannot be used"),
    "format map": ("{{ t.format_map(t) }}", "a call of format_map cannot be used"),
    "ljust": ("{{ t.ljust(1000000000) }}", "a call of ljust cannot be used"),
    "zfill": ("{{ t.zfill(1000000000) }}", "a call of zfill cannot be used"),
    "join method": ("{{ t.join(t) }}", "a call of join cannot be used"),
    "item": ("{{ t['ljust'](1000000000) }}", "a call of this cannot be used"),
    "alias": ("{% set f = t.ljust %}{{ f(1000000000) }}", "a call of f cannot be used"),
    "attr": ("{{ (t | attr('ljust'))(1000000000) }}", "cannot be used"),
    "center": ("{{ t | center(1000000000) }}", "the filter 'center' cannot be used"),
    "indent": ("{{ t | indent(1000000000, true) }}", "the filter 'indent' cannot be used"),
    "batch": ("{{ t | batch(1000000000, 'a') | list }}", "the filter 'batch' cannot be used"),
    "slice": ("{{ t | slice(1000000000) | list }}", "the filter 'slice' cannot be used"),
    "json": ("{{ t | tojson(1000000000) }}", "the filter 'tojson' cannot be used"),
    "round": ("{{ 1.5 | round(1000000000, 'ceil') }}", "the filter 'round' cannot be used"),
    "macro": ("{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", "macro cannot be used"),
    "recursive loop": (
        "{% for a in t recursive %}{{ loop(t) }}{% endfor %}",
        "a recursive loop cannot be used",
    ),
    "lists in lists": (
        "{% set a = [t, t] %}" + "{% set a = [a, a] %}" * 40 + "{{ a }}",
        "a list of what is no",
    ),
    "added lists": ("{% set a = t.split() %}" + "{% set a = a + a %}" * 40 + "{{ a }}", "+ is for numbers"),
}


@pytest.fixture(autouse=True)
def _bounded_memory():
    """What is not held in costs this test its memory, and not the machine."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize(("source", "said"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_bound_is_refused_at_the_start(source, said):
    with pytest.raises(BadTemplate) as caught:
        compile_template("t", {None: source}, {"t": "tea"})
    assert said in str(caught.value)


GROWING = {
    "doubled": "{% set a = t ~ t %}" + "{% set a = a ~ a %}" * 60 + "{{ a | length }}",
    "added": "{% set a = t + t %}" + "{% set a = a + a %}" * 60 + "{{ a | length }}",
    "joined": "{{ t | join(t) | length }}",
    "replaced": "{{ t | replace('', t) | length }}",
    "replaced in a loop": LOOP + "{{ t | replace('a', 'b' ~ t) | length }}" + END,
    "printed in loops": LOOP * 2 + "{{ t }}" + END * 2,
    "text in loops": LOOP * 3 + "x" * 999 + END * 3,
    "silent loops": LOOP * 6 + END * 6 + "a",
    "filtered loops": (LOOP[:-3] + " if not t %}") * 6 + END * 6 + LOOP * 5 + END * 5 + "a",
    "conditions": LOOP * 5 + "{% if t | upper == t %}a{% endif %}" + END * 5,
    "lists in loops": LOOP * 5 + "{% set a = t | list | sort | unique | list %}" + END * 5,
    "product": "{% set n = t | length %}" + "{% set n = n * n %}" * 60 + "{{ n }}",
    "int": "{% set n = (t | replace('a', '9'))[:4000] | int %}{{ n * n }}",
}


@pytest.mark.parametrize("source", GROWING.values(), ids=GROWING)
def test_what_a_caller_sends_makes_no_text_grow_without_bound(source):
    template = compile_template("t", {None: f"a{source}"}, {"t": ""})
    began = time.thread_time()
    with pytest.raises(InvalidArgument) as caught:
        template.render(None, {"t": "a" * 50_000})
    assert isinstance(caught.value.__cause__, TooMuch)
    assert time.thread_time() - began < SECONDS + 2, "CPU time of this thread, whatever else runs"


def test_values_are_within_the_bound_too():
    template = compile_template("t", {None: "{% if t %}a{% endif %}b"}, {"t": ""})
    assert template.render(None, {"t": "a" * (CHARACTERS - 2)}) == "ab"
    with pytest.raises(InvalidArgument, match=f"more than {CHARACTERS} characters"):
        template.render(None, {"t": "a" * (CHARACTERS + 1)})


USEFUL = [
    (
        "{% for a in t.split(',') %}{{ loop.index }}/{{ loop.length }} {{ a | trim }}. {% endfor %}",
        "1/2 green. 2/2 black.",
    ),
    ("{% if t in ['a', 'b'] %}x{% elif 'green' in t %}y{% else %}z{% endif %}", "y"),
    ("{{ t.split(', ') | join(' and ') | replace('black', 'red') }}", "green and red"),
    ("{{ t | length + 1 * 2 - 7 // 2 % 2 }}{{ t[:5] ~ '!' ~ 1 }}{{ t | list | first }}", "13green!1g"),
    ("{% set a = t | upper %}{{ a if a else 'none' }}", "GREEN, BLACK"),
    ("{% for a in t.split(', ') if a != 'green' %}{{ a }}{% else %}none{% endfor %}", "black"),
    ("{{ '' | default('none', true) }}", "none"),
]


@pytest.mark.parametrize(("source", "text"), USEFUL)
def test_what_templates_are_for_works(source, text):
    assert compile_template("t", {None: source}, {"t": "green, black"}).render(None, {}) == text
