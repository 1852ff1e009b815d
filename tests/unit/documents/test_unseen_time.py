"""Text that is made to be slow is read in time that grows with its length."""

from time import process_time

import pytest

from jarvis.core.text import without_unseen
from jarvis.documents.read import read

SECONDS = 2.0
"""The most seconds of CPU time; each of these took ten times as long and more, or did not end."""
TICKS = " ".join("`" * k + "x" for k in range(1, 70)) + " a" * 80_000


@pytest.mark.parametrize(
    "markdown",
    [
        "<a " + " style=" * 30_000,
        "<a " + "\t" * 200_000,
        "<a hidden" * 30_000,
        '<a ="" ="' * 30_000,
        "<a b='" * 30_000,
        "<a " + "= " * 100_000,
        TICKS,
        "`x ``y " * 30_000,
        '[a]: # "x\n' * 30_000,
        "[a]: # (x\n" * 30_000,
        "[a]: # (" + ")\t" * 100_000,
        "<!--" * 50_000,
        "x <!--" * 50_000,
        "> <!--\n" * 50_000,
        "<div>x \\<!--\n\n" * 30_000,
        "<script>\n" * 50_000,
        "<dialog>\n<dialog>\n</dialog>" * 20_000,
        "\n<![CDATA[" * 50_000,
        "<p hidden>\n\n" * 20_000,
        "<b hidden>" * 20_000,
        "x <t hidden>" * 20_000,
        "<div hidden><div>" * 20_000,
        "```\n" * 50_001,
        "    a\n\n" * 30_000 + "b",
        "\n \t" * 60_000,
        "- a\n\n" * 40_000,
        "[" * 200_000,
        "data:a/" + "b" * 200_000,
        "data:a/b" * 20_000,
        "data:a/b;base64," + "A" * 24 + (" " * 2000 + "\n") * 100,
    ],
    ids=lambda markdown: ascii(markdown[:24]),
)
def test_the_time_grows_with_the_text(markdown):
    begun = process_time()
    without_unseen(markdown, markdown=True)
    assert process_time() - begun < SECONDS


@pytest.mark.parametrize(
    "page",
    ["<%" * 100_000, "<?" * 100_000, "<a " + "=" * 100_000, "<title></title x>" * 20_000],
    ids=lambda page: page[:6],
)
def test_the_time_grows_with_the_page(page):
    begun = process_time()
    read(page.encode(), "a.html", None)
    assert process_time() - begun < 4 * SECONDS
