import pytest

from jarvis.documents.read import read

PAGES = [
    ("<p hidden>EVIL<p>one<p>two", "one two"),
    ("<p hidden>EVIL<div>one</div>", "one"),
    ("<p hidden><button>EVIL<p>EVIL</button><p>one", "one"),
    ("<ul><li>one<li>two<li hidden>EVIL<li>three</ul>four", "* one * two * three four"),
    ("<ul><li hidden>EVIL<ul><li>EVIL</ul><li>one<ul><li>two</ul></ul>", "* one + two"),
    ("<ul><li hidden><div><p>EVIL</div><li>one</ul>", "* one"),
    ("<dl><dt hidden>EVIL<dd>one<dt>two<dd hidden>EVIL<dt>three</dl>", ": one two three"),
    (
        "<select><option hidden>EVIL<option>one<optgroup hidden><option>EVIL<optgroup><option>two</select>",
        "one two",
    ),
    (
        "<table><tr><th>a<th>b<tr><td>one<td hidden>EVIL<td>two<tr hidden><td>EVIL<tr><td>three</table>four",
        "",
    ),
]


def text_of(html):
    return " ".join(read(html.encode(), "a.html", None).text.split())


@pytest.mark.parametrize(("html", "seen"), PAGES)
def test_an_end_tag_may_be_left_out(html, seen):
    text = text_of(html)
    assert "EVIL" not in text
    assert text == seen or not seen


def test_a_table_needs_no_end_tags():
    html = "<table><thead><tr><th>a<th>b<tbody><tr><td>one<td>two<p>more<tr><td>three<td>four</table>five"
    text = text_of(html)
    assert "| a | b | | --- | --- | | one | two more | | three | four | five" in text


def test_what_is_nested_stays_nested():
    html = "<ul><li>one<table><tr><td><ul><li>two</ul></table><p>three</ul>"
    assert text_of(html).split()[-1] == "three"
    assert "EVIL" not in text_of("<div hidden><p>EVIL</p><ul><li>EVIL</ul>EVIL</div>one")


def test_a_page_nested_deeply_takes_no_time():
    assert read(b"<p><button>" + b"<div>" * 5000 + b"deep", "a.html", None).text.strip() == "deep"
