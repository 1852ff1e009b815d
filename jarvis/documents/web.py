"""Turns HTML into Markdown."""

import re
import warnings

from bs4 import BeautifulSoup, XMLParsedAsHTMLWarning
from bs4.dammit import EncodingDetector
from bs4.element import PreformattedString
from markdownify import MarkdownConverter

from jarvis.core.text import Kind, Text
from jarvis.documents.decode import decode
from jarvis.documents.hidden import remove_hidden
from jarvis.documents.markup import Page

warnings.filterwarnings("ignore", category=XMLParsedAsHTMLWarning)  # XHTML is read as browsers show it

_LANGUAGE = re.compile(rb"<html\b[^>]{0,500}?\blang\s*=\s*[\"']?([\w-]{2,35})", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_HEAD = 1 << 16
"""The number of first bytes in which a page may declare its charset."""
_FLAGS = re.DOTALL | re.IGNORECASE
_WITHIN = r"(?:=\s*+(?:\"[^\"]*+\"|'[^']*+')|[^<>])*+"
"""The inside of a tag: "<" and ">" occur only in quotes."""
# An HTML parser ends these too early, and takes the rest for text: a script may hold "<!--", and PHP ">".
_PARTS = (
    r"<script(?![\w-]).*?(?:</script(?![\w-])[^>]*+(?:>|\Z)|\Z)"
    r"|(?P<style><style(?![\w-]).*?(?:</style\s*>|\Z))"
    r"|<!--(?:-?>|.*?(?:--!?>|\Z))|<\?(?:php\b|=|\s).*?(?:\?>|\Z)|<\?[^>]*+(?:>|\Z)|<%(?:(?!<%).)*?%>"
    rf"|(?P<tag></?[a-z]{_WITHIN})"
)
_UNPARSED = re.compile(
    rf"(?P<start><(?P<name>title|textarea)(?![\w-]){_WITHIN}(?<!/)>)(?P<text>.*?)"
    rf"(?:(?=</(?P=name)(?![\w-]))|(?P<open>\Z))|{_PARTS}",
    _FLAGS,
)
_UNPARSED_REST = re.compile(_PARTS, _FLAGS)
"""The same, for what follows the start of a title or a text area that nothing ends."""


_LINES = (
    "address, aside, fieldset, footer, form, header, legend, main, optgroup, option, select, summary, "
    "textarea"
)
"""Elements that begin a line without the converter knowing it."""


def read_html(data: bytes, source: str, charset: str | None, language: str | None) -> Text:
    """Turn what a page shows into Markdown, its title first; `charset` is what the sender declares.

    Raises:
        DocumentUnreadable: the page is binary.
    """
    said = _LANGUAGE.search(data[:4096])
    head = _COMMENT.sub(b"", data[:_HEAD])
    labels = (charset, EncodingDetector.find_declared_encoding(head, is_html=True))
    markup, notes = decode(data, source, labels, language or (said and said[1].decode()))
    page = Page(_UNPARSED.sub(_parsed, markup))
    title = " ".join(page.title.get_text().split()) if page.title else ""
    remove_hidden(page)
    for string in page.find_all(string=lambda found: isinstance(found, PreformattedString)):
        string.extract()
    for image in page("img"):
        image.replace_with(str(image.get("alt", "")))
    for link in page("a", title=True):
        del link["title"]
    for block in page.select(_LINES):
        block.name = "div"
    _write_cells(page)
    try:
        converter = MarkdownConverter(heading_style="ATX", escape_asterisks=False, escape_underscores=False)
        text, kind = converter.convert_soup(page), Kind.MARKDOWN
    except RecursionError:  # nested deeper than any page that a person wrote
        text, kind = page.get_text("\n"), Kind.PLAIN
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    heading = text.partition("\n")[0].lstrip("# ")
    if title and title != heading:
        text = f"# {title}\n\n{text}" if text else title
    return Text(text, kind, notes=notes)


def _parsed(found: re.Match[str]) -> str:
    """Return what the parser gets for a part of a page: "<" in a title, a text area or a tag is text."""
    if part := found["style"] or found["tag"]:
        return part if found["style"] else "<" + part[1:].replace("<", "&lt;")
    groups = found.groupdict()
    if not (start := groups.get("start")):
        return ""
    begun = "<" + start[1:].replace("<", "&lt;")
    if groups["open"] is not None:
        return begun + _UNPARSED_REST.sub(_parsed, groups["text"])
    return begun + groups["text"].replace("<", "&lt;")


def _write_cells(page: BeautifulSoup) -> None:
    """Write tables inside table cells as text, and escape the bars in cells, which are not borders.

    Such an inner table has commas between its cells, and semicolons between its rows.
    """
    parts = page.select("table table :is(td, th, tr)")
    for part in parts:
        if part.find_next_sibling(["td", "th", "tr"]):
            part.insert_after("; " if part.name == "tr" else ", ")
    for part in [*parts, *page.select("table table, table table :is(thead, tbody, tfoot, caption)")]:
        if part.name == "table":
            part.insert_before(" ")
        part.name = "span"
    for string in page.find_all(string=re.compile(r"\|")):
        if string.find_parent(["td", "th"]):
            string.replace_with(str(string).replace("|", "\\|"))
