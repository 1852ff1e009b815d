import base64
import os

import pytest

from jarvis.core.text import Kind
from jarvis.documents.read import read
from jarvis.documents.split import split

PICTURE = base64.b64encode(os.urandom(30_000)).decode()
FLAG = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
SMUGGLED = "".join(chr(0xE0000 + ord(letter)) for letter in "EVIL")


def text_of(text, source="a.md"):
    return read(text.encode(), source, None).text


@pytest.mark.parametrize(
    ("markdown", "seen"),
    [
        ("a <!-- EVIL\n\nEVIL --> b", "a  b"),
        ("a\n<!-- EVIL\n\nEVIL", "a\n"),
        ("   <!-- EVIL", "   "),
        ("- <!-- EVIL\n\n  EVIL\n\nb", "- \n\nb"),
        ("- a\n\n    <!-- EVIL\n\nb", "- a\n\n    \n\nb"),
        ("> <!-- EVIL\n> EVIL\n\nb", "> \n\nb"),
        ("<div>a <!-- EVIL\n\nEVIL", "<div>a "),
        (r"a \\<!-- EVIL --> b", r"a \\ b"),
        (r"a \`<!-- EVIL --> ` b", r"a \` ` b"),
        (r"<div>\<!-- EVIL --></div>ok", r"<div>\</div>ok"),
        ("a <script>EVIL</script> b", "a  b"),
        ("<STYLE type=x>\n\nEVIL\n\n</STYLE >b", "b"),
        ("<template>\n\nEVIL\n\n</template>b", "b"),
        ("<title>EVIL</title>b <noscript>EVIL</noscript>", "b "),
        ("<dialog>EVIL</dialog>b <dialog open>c</dialog>", "b <dialog open>c</dialog>"),
        ("a <?php EVIL > EVIL ?> b", "a  b"),
        ("a <![CDATA[EVIL > EVIL]]> b", "a  b"),
        ("a <!SECRET EVIL> b", "a  b"),
        ("a\n\n[//]: # (EVIL)\n\nb", "a\n\n\n\nb"),
        ("a\n\n[comment]: <> 'EVIL'\n\nb", "a\n\n\n\nb"),
        ("a <div style='display: none'>EVIL</div> b", "a  b"),
        ("a <p hidden>EVIL</p> b", "a  b"),
        ('a <SPAN Aria-Hidden="true">EVIL</SPAN> b', "a  b"),
        (f"a{SMUGGLED}b", "ab"),
        ("a" + "\u200b\u200c" * 8 + "b", "ab"),
        ("a\U000e0101\U000e0110b", "ab"),
        (f"a ![chart](data:image/png;base64,{PICTURE}) b", "a ![chart]() b"),
        (f"a [file](data:application/pdf;base64,{PICTURE}) b", "a [file]() b"),
        (f"![chart][1]\n\n[1]: data:image/png;base64,{PICTURE}\n\nb", "![chart][1]\n\n[1]: \n\nb"),
        ("<div hidden>\n<div>a</div>\nEVIL\n</div>ok", "ok"),
        ("<div hidden><!-- </div> -->EVIL</div>ok", "ok"),
        ('<p title="a>b" hidden>EVIL</p>ok', "ok"),
        ("<div hidden>\n\nEVIL", ""),
        ("<span hidden>\n\nEVIL\n\n</span>\n\nok", "\n\nok"),
        ("a <b hidden>EVIL\n\nEVIL</b> ok", "a  ok"),
        ("<p hidden>EVIL\n\nThe rest", "\n\nThe rest"),
        ("Vec<T hidden> EVIL\n\nThe rest", "Vec\n\nThe rest"),
        ("- a\n\n    <!-- EVIL -->\n", "- a\n\n    \n"),
        ("- a\nlazy\n\n  b\n\n    <!-- EVIL -->\n", "- a\nlazy\n\n  b\n\n    \n"),
        ("[^1]: a\n\n    <!-- EVIL -->\n", "[^1]: a\n\n    \n"),
        ("<pre hidden>EVIL</pre>ok", "ok"),
        ("<pre class=x>\n\n    <!-- EVIL -->\n</pre>", "<pre class=x>\n\n    \n</pre>"),
        ("a\n    <!-- EVIL -->\n", "a\n    \n"),
        (f"a <img src='data:image/svg+xml,{'%3Csvg' * 20}'> b", "a <img src=''> b"),
    ],
)
def test_what_markdown_does_not_show_is_left_out(markdown, seen):
    assert text_of(markdown) == seen


@pytest.mark.parametrize(
    "markdown",
    [
        "Write `<!-- a comment -->` so.",
        "```html\n<!-- a comment -->\n<p hidden>x</p>\n```\n",
        "~~~\n<!-- a comment -->\n~~~\n",
        "    <!-- keep -->\n    <div hidden>\n\nThe rest.",
        "- a\n\nb\n\n\t<!-- keep -->\n\n    <p hidden>\n\nThe rest.",
        f"Wales {FLAG}, a family 👩‍👩‍👧, Persian می‌خواهم, a\u200bb",
        "<p style='opacity:0.5'>half</p> <img aria-hidden=true src=a.png> rest",
        "a data: URL, data:text/plain,short",
        "A <!-- B is an arrow in our notation.\n\nThe rest.",
        "Write \\<!-- to begin a comment.\n\nThe rest.",
        "Write \\<!-- so --> and \\<script>so</script>.",
        "```html\n<div>\n```\nA <!-- B\n\nThe rest.",
        "Use a <script> or a Vec<dialog>.\n\nThe end is </script> or </dialog>.",
        "A <? B <![CDATA[ C\n\nThe rest ?> ]]>.",
        "`<script>x</script>` and ``<?php x ?>``\n\n    <title>x</title>\n",
    ],
)
def test_what_is_seen_stays(markdown):
    assert text_of(markdown) == markdown


@pytest.mark.parametrize(
    "style",
    [
        "color: transparent",
        "font-size:1px",
        "font-size:.5px",
        "opacity:0.01",
        "opacity:1%",
        "display/**/:none",
        "visibility:collapse",
        "position:absolute;left:-9999px",
        "text-indent:-99em",
    ],
)
def test_what_a_style_hides_is_left_out_of_markdown(style):
    assert text_of(f'a <b style="{style}">EVIL</b> b') == "a  b"


@pytest.mark.parametrize(
    "style",
    [
        "background-color:transparent",
        "font-size:12px",
        "font-size:2.5px",
        "font-size:0.9em",
        "opacity:0.1",
        "opacity:50%",
        "left:-20px",
        "text-indent:-2em",
    ],
)
def test_what_a_style_shows_stays_in_markdown(style):
    assert "keep" in text_of(f'a <b style="{style}">keep</b> b')


def test_a_code_span_that_is_not_closed_hides_nothing():
    assert "EVIL" not in text_of("a ` b\n\n<!-- EVIL -->\n\nc ` d")


@pytest.mark.parametrize("source", ["a.txt", "a.py", "a.csv", "a.json"])
def test_data_in_links_is_cut_from_any_text(source):
    assert text_of(f'logo = "data:image/png;base64,{PICTURE}"\n', source) == 'logo = ""\n'


def test_comments_of_source_code_stay():
    assert text_of("<!-- why -->\n<a/>", "a.xml") == "<!-- why -->\n<a/>"


def test_two_sentences_beside_a_picture_are_one_chunk():
    text = read(f"One.\n\n![c](data:image/png;base64,{PICTURE})\n\nTwo.\n".encode(), "a.md", None)
    chunks = split(text, max_tokens=64, overlap=0, count=lambda part: len(part.split()) + 2)
    assert [chunk.text for chunk in chunks] == ["One.\n\n![c]()\n\nTwo."]


def test_chunks_point_into_the_file_that_something_is_left_out_of():
    picture = f"![c](data:image/png;base64,{PICTURE})"
    file = f"One <!-- EVIL --> two.\n\n{picture}\n\n{'word ' * 40}\n\nThree{SMUGGLED} four.\n"
    text = read(file.encode(), "a.md", None)
    assert text.kind is Kind.MARKDOWN
    chunks = split(text, max_tokens=16, overlap=0, count=lambda part: len(part.split()) + 2)
    whole = [chunk for chunk in chunks if set(chunk.text.split()) == {"word"}]
    assert whole
    for chunk in whole:
        assert file[chunk.start : chunk.end] == chunk.text
    assert file[chunks[0].start :].startswith("One <!--")
    assert file[: chunks[-1].end].endswith("four.")


def test_hidden_data_in_pages_is_cut():
    page = f"<p>See <a href='data:application/pdf;base64,{PICTURE}'>it</a>{SMUGGLED} here</p>"
    assert read(page.encode(), "a.html", None).text == "See [it]() here"
