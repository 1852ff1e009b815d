"""Writes the tables of docs/ from the code: `python -m scripts.docs`; `--check` only compares them."""

import sys

from scripts.docs.pages import DOCS, differences, read, written
from scripts.docs.tables import tables


def main() -> None:
    made = tables()
    if "--check" not in sys.argv[1:]:
        for page, text in read().items():
            (DOCS / page).write_text(written(text, made))
    if wrong := differences(read(), made):
        sys.exit("\n".join(f"docs: {line}" for line in wrong))


if __name__ == "__main__":
    main()
