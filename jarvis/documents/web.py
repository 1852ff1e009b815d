"""HTML becomes Markdown."""

import re

from bs4 import BeautifulSoup
from markdownify import MarkdownConverter

from jarvis.documents.types import Kind, Text

_UNSEEN = ["title", "script", "style", "nav", "template", "noscript", "svg"]


def read_html(data: bytes, charset: str | None) -> Text:
    """Turn what a page shows into Markdown, its title first; the charset is that of its sender."""
    page = BeautifulSoup(data, "html.parser", from_encoding=charset)
    title = " ".join(page.title.get_text().split()) if page.title else ""
    for element in page(_UNSEEN):
        element.decompose()
    for image in page("img"):
        image.replace_with(str(image.get("alt", "")))
    try:
        text, kind = MarkdownConverter(heading_style="ATX").convert_soup(page), Kind.MARKDOWN
    except RecursionError:  # nested deeper than any page that a person wrote
        text, kind = page.get_text("\n"), Kind.PLAIN
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    heading = text.partition("\n")[0].lstrip("# ")
    if title and title != heading:
        text = f"# {title}\n\n{text}" if text else title
    return Text(text, kind)
