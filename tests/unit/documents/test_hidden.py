import pytest

from jarvis.documents.read import read

STYLES = [
    "display:none",
    "DISPLAY : NONE !important",
    "display:/**/none",
    r"displ\61y:none",
    "visibility:hidden",
    "visibility: collapse",
    "opacity:0",
    "font-size:0",
    "font-size: 1px",
    "position:absolute;left:-9999px",
    "text-indent:-99em",
    "color:#fff;background:white",
    "color: transparent",
    "clip: rect(0 0 0 0)",
    "clip:rect(1px,1px,1px,1px)",
    "clip-path: inset(50%)",
    "transform: scale(0)",
    "transform:translateX(-2000px)",
    "height:0;overflow:hidden",
    "content-visibility:hidden",
    "opacity:1%",
    "font:0/0 a",
    "font: italic 400 1px/1 serif",
    "font-size:calc(0px)",
    "position:fixed;left:calc( -9999px )",
    "color:rgba(0,0,0,.01)",
    "transform:translate3d(-9999px,0,0)",
    "transform:scaleX(0)",
    "scale:0",
    "filter:opacity(0)",
    "clip-path:polygon(0 0,0 0,0 0)",
    "height:0;overflow-y:hidden",
    "display:none!important;display:block",
]
HARMLESS = [
    "color:red",
    "font-size:0.9em",
    "opacity:0.5",
    "margin-left:-10px",
    "overflow:hidden",
    "width:1px",
    "opacity:80%",
    "font:bold 1em/0 a",
    "font:400 12px a",
    "font:caption",
    "scale:1.5",
    "scale:50%",
    "filter:opacity(50%)",
    "color:rgba(0,0,0,.5)",
    "clip-path:polygon(0 0,100% 0,100% 100%)",
    "left:calc(100% - 20px)",
    "transform:scaleX(-1)",
]
HIDDEN = [
    "<p hidden>EVIL</p>",
    "<div hidden=''><p>EVIL</p></div>",
    "<p aria-hidden=TRUE>EVIL</p>",
    "<template><p>EVIL</p></template>",
    "<noscript>EVIL</noscript>",
    "<dialog>EVIL</dialog>",
    "<iframe>EVIL</iframe>",
    "<input type=hidden value=EVIL>",
    "<!-- > EVIL -->",
    "<!-- EVIL --!>",
    "<?php echo '> EVIL'; ?>",
    "<?= $a > 1 ? 'EVIL' : '' ?>",
    "<% if (a > 1) EVIL %>",
    "<![CDATA[EVIL]]>",
    "<!EVIL>",
    "<style>.h{display:none}</style><p class=h>EVIL</p>",
    "<style>@media screen { p.h { display: none } }</style><p class=h>EVIL</p>",
    "<style>.a{color:red} #h, .b{visi\\62ility:hidden}</style><p id=h>EVIL</p>",
    "<a href=# title=EVIL>keep</a>",
    "<style type=text/css media=all>.h{display:none}</style><p class=h>EVIL</p>",
    "<style>.h{display:none!important}</style><p class=h style='display:block'>EVIL</p>",
    "<div style='font-size:0'><p style='font-size:1em'>EVIL</p></div>",
    "<div style='visibility:hidden'><p style='visibility:inherit'>EVIL<img alt=EVIL></p></div>",
    "<div style='font-size:0;visibility:hidden'><p style='visibility:visible'>EVIL</p></div>",
    "<div style='display:none'><p style='display:block'>EVIL</p></div>",
    "<style>.h{display:none!important} p.h{display:block}</style><p class=h>EVIL</p>",
    "<style>@layer a{.h{display:none}}</style><p class=h>EVIL</p>",
    "<style>@supports (display:grid){.h{display:none}}</style><p class=h>EVIL</p>",
    "<style>@media (min-width: 600px){.h{display:none}}</style><p class=h>EVIL</p>",
    "<style>@media print, screen and (min-width:40em){.h{display:none}}</style><p class=h>EVIL</p>",
    "<style>.a::before,.h{display:none}</style><p class=h>EVIL</p>",
]
SHOWN = [
    "<p hidden=until-found>keep</p>",
    "<p aria-hidden=false>keep</p>",
    "<dialog open>keep</dialog>",
    "<details><summary>a</summary>keep</details>",
    "<style>@media print { p { display: none } }</style><p>keep</p>",
    "<style>.k{display:none} .k.on{display:block}</style><p class='k on'>keep</p>",
    "<style>p::before{display:none}</style><p>keep</p>",
    "<style>p:not({display:none}</style><p>keep</p>",
    "<script>var s = '<!--';</script><p>keep</p>",
    "<footer>keep</footer>",
    "<style>@media (max-width: 600px){.k{display:none}}</style><p class=k>keep</p>",
    "<style>@media (prefers-contrast: more){.k{display:none}}</style><p class=k>keep</p>",
    "<style>.k{display:none} @media(min-width:600px){.k{display:block}}</style><p class=k>keep</p>",
    "<style>@supports not (display:grid){.k{display:none}}</style><p class=k>keep</p>",
    "<style media=print>#k{display:none}</style><p id=k>keep</p>",
    "<noscript><style>.k{display:none}</style></noscript><p class=k>keep</p>",
    "<template><style>.k{display:none}</style></template><p class=k>keep</p>",
    "<style type=text/less>.k{display:none}</style><p class=k>keep</p>",
    "<style>.k{display:none}</style><p class=k style='display:block'>keep</p>",
    "<style>.k.on{display:block} .k{display:none}</style><p class='k on'>keep</p>",
    "<style>#k{display:block} p.k:not(.a){display:none}</style><p class=k id=k>keep</p>",
    "<style>.k{display:block!important} .k{display:none}</style><p class=k>keep</p>",
    "<style>.u{font-size:0} .u li{font-size:16px}</style><ul class=u><li>keep</ul>",
    "<ul style='font-size:0'><li style='font-size:16px'>keep</ul>",
    "<div style='visibility:hidden'>EVIL<p>EVIL<b style='visibility:visible'>keep</b></p></div>",
    "<div style='color:#fff;background:#fff'>EVIL<p style='color:#000'>keep</p></div>",
    "<div style='color:#fff;background:#fff'>EVIL<p style='background:#000'>keep</p></div>",
]
WRITTEN = [
    ('<img alt="arrow <!--"><p>keep</p>', "arrow <!--"),
    ("<p title='a <? b'>keep</p>", "keep"),
    ('<a title="<%">keep</a> %> b', "%> b"),
    ('<div data-content="<script>alert(1)">demo</div><p>keep</p><script>EVIL</script>', "demo"),
    ("<textarea><!-- paste here</textarea><p>keep</p>", "<!-- paste here"),
    ("<textarea rows=2><script>a &amp; b</TEXTAREA><p>keep</p>", "<script>a & b"),
    ("<textarea><p>keep<!-- EVIL -->", "keep"),
    ("<svg><title/></svg><p>keep</p><svg><title>EVIL</title></svg>", "keep"),
    ("<script-loader>one</script-loader><style-guide>keep</style-guide>", "one"),
    ("<script>EVIL</script x>keep", "keep"),
    ('<p title="x <script>EVIL</script> <p>keep', "keep"),
    ("<p <?php if ($a->b) echo 'EVIL' ?>>keep</p>", "keep"),
]
"""Pages in which something only looks like the beginning of what is hidden, and a text that they show."""


def text_of(html):
    return read(f"<p>seen</p>{html}<p>after</p>".encode(), "a.html", None).text


@pytest.mark.parametrize("style", STYLES)
def test_what_a_style_hides_is_not_read(style):
    for quote in ("'", '"'):
        text = text_of(f"<div style={quote}{style}{quote}>EVIL<p>EVIL</p></div>")
        assert text.split() == ["seen", "after"]


@pytest.mark.parametrize("style", HARMLESS)
def test_what_a_style_shows_is_read(style):
    assert "keep" in text_of(f"<p style='{style}'>keep</p>")


@pytest.mark.parametrize("html", HIDDEN)
def test_what_is_hidden_is_not_read(html):
    text = text_of(html)
    assert "EVIL" not in text
    assert "seen" in text
    assert "after" in text


@pytest.mark.parametrize("html", SHOWN)
def test_what_is_shown_is_read(html):
    text = text_of(html)
    assert "keep" in text
    assert "EVIL" not in text


@pytest.mark.parametrize(("html", "seen"), WRITTEN)
def test_what_only_looks_hidden_is_read(html, seen):
    text = text_of(html)
    assert seen in text
    assert "keep" in text
    assert "after" in text
    assert "EVIL" not in text


@pytest.mark.parametrize(
    "title", ["How to write <!-- comments", "The <script> tag", "A <? B", "The <title> of <!-- it"]
)
def test_a_title_is_text(title):
    page = f"<html><head><title>{title}</title></head><body><p>All the text</p></body></html>"
    assert read(page.encode(), "a.html", None).text == f"# {title}\n\nAll the text"


@pytest.mark.parametrize("html", ["<!-- EVIL", "<?php EVIL", "<script>EVIL", "<style>EVIL"])
def test_what_is_not_closed_hides_the_rest(html):
    assert read(f"<p>seen</p>{html}<p>EVIL".encode(), "a.html", None).text == "seen"


def test_an_xml_declaration_is_no_text():
    page = b"<?xml version='1.0' encoding='utf-8'?>\n<!DOCTYPE html>\n<html><body><p>seen</p></body></html>"
    assert read(page, "a.xhtml", None).text == "seen"


def test_words_of_neighbours_stay_apart():
    page = "<select><option>one<option>two</select><textarea>three</textarea><footer>four</footer><aside>five"
    assert text_of(page).split() == ["seen", "one", "two", "three", "four", "five", "after"]


def test_nested_tables_keep_their_cells():
    inner = "<table><tr><td>in1</td><td>in2</td></tr><tr><td>in3</td></tr></table>"
    text = text_of(f"<table><tr><td>A|1</td><td>{inner}</td></tr><tr><td>B</td><td>C</td></tr></table>")
    assert "| A\\|1 | in1, in2; in3 |\n| B | C |" in text
    assert "| a\\|b | c\\|d |" in text_of("<table><tr><td>a|b<td>c|d</table>")  # as browsers close cells
    deep = "<table><tr><td>a<table><tr><td>b<table><tr><td>c</td><td>d" + "</td></tr></table>" * 3
    assert "| a b c, d |" in text_of(deep)


def test_names_are_not_escaped():
    text = text_of("<p>Set max_tokens; pass *args. <kbd>A_B_C</kbd></p>")
    assert "Set max_tokens; pass *args. `A_B_C`" in text


def test_tables_in_tables_without_end_are_read():
    assert read(b"<table><tr><td>" * 3000 + b"deep", "a.html", None).text.strip() == "deep"
