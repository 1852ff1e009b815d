import pytest

from jarvis.core.grounding import Cited, cited


@pytest.mark.parametrize(
    ("text", "known", "unknown"),
    [
        ("Paris [1].", (1,), ()),
        ("Paris.[2] Rome[1].", (2, 1), ()),
        ("[1, 2] and [3,1]", (1, 2, 3), ()),
        ("[3][1][3]", (3, 1), ()),
        ("[4] then [0] then [2024]", (), (4, 0, 2024)),
        ("[2, 9]", (2,), (9,)),
        ("[01]", (1,), ()),
        ("[ 1 ] [1-3] [1.5] [a] [] [1,] (1) [-1]", (), ()),
        ("[1234567890]", (), ()),
        ("[\u0661]", (), ()),
        ("`rows[1]` and\n```\nrows[2]\n[3]\n```\n", (), ()),
        ("```\nrows[2], and no end", (), ()),
        ("a ` alone, then [1]\nand ` another", (1,), ()),
        ("no marker", (), ()),
        ("", (), ()),
    ],
)
def test_what_is_a_citation(text, known, unknown):
    assert cited(text, 3) == Cited(known, unknown)


def test_a_text_made_to_be_slow_to_read_is_read():
    for text in ("[" * 100_000, "[1," * 50_000, "[1" + " " * 100_000, "`" * 100_000, "```" * 50_000):
        assert cited(text, 1) == Cited()
