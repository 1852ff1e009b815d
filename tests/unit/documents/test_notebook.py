import base64
import json
import os

import pytest

from jarvis.core.text import Kind
from jarvis.documents.read import read
from jarvis_ports.errors import DocumentUnreadable

PICTURE = base64.b64encode(os.urandom(3000)).decode()
CELLS = [
    {"cell_type": "markdown", "source": ["# Sales\n", "Of *May*."]},
    {
        "cell_type": "code",
        "source": "print('```')\nplot()",
        "outputs": [
            {"output_type": "stream", "text": ["\x1b[31m42\x1b[0m\n"]},
            {"output_type": "display_data", "data": {"image/png": PICTURE, "text/plain": ["<Figure>"]}},
            {"output_type": "display_data", "data": {"image/png": PICTURE}},
            {"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": ["\x1b[0;31m--"]},
        ],
    },
    {"cell_type": "markdown", "source": "", "attachments": {"a.png": {"image/png": PICTURE}}},
    {"cell_type": "markdown", "source": f"![c](data:image/png;base64,{PICTURE})"},
]
READ = """# Sales
Of *May*.

````julia
print('```')
plot()
````

```
42
```

```
<Figure>
```

```
KeyError: 'x'
```

![c]()"""


def notebook(cells, **rest):
    return json.dumps({"cells": cells, "metadata": {"kernelspec": {"name": "julia"}}, **rest}).encode()


def test_a_notebook_is_read_as_its_cells():
    text = read(notebook(CELLS), "a.ipynb", None)
    assert (text.text, text.kind) == (READ, Kind.MARKDOWN)
    assert read(notebook(CELLS), "upload", "application/x-ipynb+json").text == READ


def test_format_3_is_read():
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Part"]},
        {"cell_type": "code", "input": ["x = 1"], "outputs": [{"output_type": "pyout", "text": ["1"]}]},
    ]
    data = json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}).encode()
    assert read(data, "a.ipynb", None).text == "## Part\n\n```python\nx = 1\n```\n\n```\n1\n```"


@pytest.mark.parametrize(
    "data",
    [b"{", b"[]", b"1", b"{}", b'{"cells": 1}', b'{"cells": [{}]}', b'{"cells": ["x"]}', b"[" * 100_000],
)
def test_what_is_no_notebook_is_refused(data):
    with pytest.raises(DocumentUnreadable, match=r"^a\.ipynb is not a Jupyter notebook"):
        read(data, "a.ipynb", None)


@pytest.mark.parametrize(
    "bad",
    [
        {"source": "no kind"},
        {"cell_type": "code", "source": "seen", "outputs": ["a string"]},
        {"cell_type": "code", "source": "seen", "outputs": [{"data": {"text/plain": 5}}]},
    ],
)
def test_a_cell_that_cannot_be_read_is_named_and_the_others_are_read(bad):
    text = read(notebook([cell("before"), bad, cell("after")]), "a.ipynb", None)
    assert text.text.startswith("before")
    assert text.text.endswith("after")
    (note,) = text.notes
    assert note.startswith("cell 2 could not be read whole")


def test_a_kernel_without_a_name_is_no_hindrance():
    data = json.dumps({"metadata": {"kernelspec": "x"}, "cells": [cell("1", "code")]}).encode()
    assert read(data, "a.ipynb", None).text == "```\n1\n```"


def test_a_notebook_without_cells_has_no_text():
    assert read(notebook([]), "a.ipynb", None).text.strip() == ""


def cell(source, kind="markdown", **rest):
    return {"cell_type": kind, "source": source, **rest}


@pytest.mark.parametrize(
    ("markdown", "seen"),
    [
        ("a <!-- EVIL --> b", "a  b"),
        ("a <!-\0- EVIL --> b", "a  b"),
        ("a <div hidden>EVIL</div> b", "a  b"),
        ("a\n\n[//]: # (EVIL)\n\nb", "a\n\n\n\nb"),
        ("`<!-- code -->`", "`<!-- code -->`"),
        ("a\0b", "ab"),
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\ude00", "\U0001f600"),
    ],
)
def test_what_a_cell_does_not_show_is_left_out(markdown, seen):
    assert read(notebook([cell(markdown), cell("rest")]), "a.ipynb", None).text == f"{seen}\n\nrest"


def test_a_comment_that_is_not_closed_ends_with_its_cell():
    assert read(notebook([cell("a\n<!-- EVIL"), cell("rest")]), "a.ipynb", None).text == "a\n\n\nrest"


def test_comments_of_code_stay():
    cells = [cell("x = '<!-- a -->'", "code", outputs=[{"output_type": "stream", "text": "<p hidden>"}])]
    text = read(notebook(cells), "a.ipynb", None).text
    assert text == "```julia\nx = '<!-- a -->'\n```\n\n```\n<p hidden>\n```"


@pytest.mark.parametrize("rest", [{"outputs": None}, {"outputs": [{"data": None}]}, {}])
def test_what_a_cell_lacks_refuses_no_notebook(rest):
    cells = [cell("x", "code", **rest), cell(None, "code"), cell("y")]
    assert read(notebook(cells), "a.ipynb", None).text == "```julia\nx\n```\n\ny"


def test_a_language_is_one_word():
    data = notebook([cell("x", "code")], metadata={"kernelspec": {"name": "<!--\nEVIL"}})
    assert read(data, "a.ipynb", None).text == "```\nx\n```"


def test_markdown_that_code_shows_is_read_as_such():
    shown = {
        "text/markdown": ["# Sales <!-- EVIL -->\n", "up"],
        "text/plain": "<IPython.core.display.Markdown>",
    }
    cells = [cell("x", "code", outputs=[{"output_type": "display_data", "data": shown}])]
    assert read(notebook(cells), "a.ipynb", None).text == "```julia\nx\n```\n\n# Sales \nup"
