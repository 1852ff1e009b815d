import base64
import json
import os

import pytest

from jarvis.core.text import Kind
from jarvis.documents import read
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
    with pytest.raises(DocumentUnreadable, match=r"^a\.ipynb is no Jupyter notebook"):
        read(data, "a.ipynb", None)


def test_a_notebook_without_cells_has_no_text():
    assert read(notebook([]), "a.ipynb", None).text.strip() == ""
