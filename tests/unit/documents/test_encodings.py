# ruff: noqa: RUF001 - texts in many scripts
"""Article 1 of the Universal Declaration of Human Rights, in the encodings that its translations came in."""

import codecs

import pytest

from jarvis.documents.encodings import codec, guess
from jarvis.documents.read import read

SPANISH = (
    "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y "
    "conciencia, deben comportarse fraternalmente los unos con los otros."
)
POLISH = (
    "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni "
    "rozumem i sumieniem i powinni postępować wobec innych w duchu braterstwa."
)
RUSSIAN = (
    "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и "
    "должны поступать в отношении друг друга в духе братства."
)
JAPANESE = (
    "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。"
    "人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。"
)
ARTICLES = [
    ("es", "windows-1252", SPANISH),
    ("fr", "windows-1252", "Tous les êtres humains naissent libres et égaux en dignité et en droits."),
    ("pl", "windows-1250", POLISH),
    ("pl", "iso-8859-2", POLISH),
    ("ru", "windows-1251", RUSSIAN),
    ("ru", "koi8-r", RUSSIAN),
    ("ru", "ibm866", RUSSIAN),
    ("el", "windows-1253", "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια."),
    ("he", "windows-1255", "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם."),
    ("ar", "windows-1256", "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق."),
    ("th", "windows-874", "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ"),
    ("ja", "shift_jis", JAPANESE),
    ("ja", "euc-jp", JAPANESE),
    ("ja", "iso-2022-jp", JAPANESE),
    (
        "zh-CN",
        "gbk",
        "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。",
    ),
    (
        "zh-TW",
        "big5",
        "人人生而自由，在尊嚴和權利上一律平等。他們賦有理性和良心，並應以兄弟關係的精神相對待。",
    ),
    ("ko", "euc-kr", "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다."),
]
WORDS = [
    ("es", "windows-1252", "año"),
    ("pl", "windows-1250", "łódź"),
    ("hu", "iso-8859-2", "tűzőgép"),
    ("ru", "windows-1251", "дом"),
    ("el", "windows-1253", "Καλημέρα"),
    ("tr", "windows-1254", "Işık"),
    ("lt", "windows-1257", "Visi žmonės"),
    ("he", "windows-1255", "שלום"),
    ("ar", "windows-1256", "مرحبا"),
    ("th", "windows-874", "สวัสดี"),
    ("ja", "shift_jis", "日本語"),
    ("zh-CN", "gbk", "北京"),
    ("zh-TW", "big5", "北京"),
    ("ko", "euc-kr", "안녕"),
]
SNIPPETS = [
    "año",
    "El señor Núñez",
    "¿Dónde está?",
    "La configuración del año señala mañana: 20 €.",
    "canción",
    "niño pequeño",
    "– “oferta” –",
    "¡Olé!",
    "Más información aquí",
    "corrección de errores",
    "jamón ibérico 15 €",
    "Peña",
    "después",
    "pingüino",
    "Artículo 1º",
]


def bytes_of(text, name):
    return text.encode(codec(name)[1])


def text_of(data, source="a.txt", media_type=None, language=None):
    found = read(data, source, media_type, language)
    return found.text, " ".join(found.notes)


@pytest.mark.parametrize(("language", "name", "text"), ARTICLES)
def test_a_text_is_known_by_its_letters(language, name, text):
    for whole in (text, f"{text}\n" * 40):
        found, note = text_of(bytes_of(whole, name))
        assert found == whole
        assert note.startswith("decoded as ")


@pytest.mark.parametrize(("language", "name", "text"), [*ARTICLES, *WORDS])
def test_the_language_helps_to_know_a_word(language, name, text):
    assert text_of(bytes_of(text, name), language=language)[0] == text


@pytest.mark.parametrize(("language", "name", "text"), [*ARTICLES, *WORDS])
def test_a_declared_charset_goes_first(language, name, text):
    data = bytes_of(text, name)
    assert text_of(data, media_type=f"text/plain; charset={name}") == (text, f"decoded as {codec(name)[0]}")
    page = f'<meta charset="{name}"><p>'.encode() + data
    assert text_of(page, "a.html") == (text, f"decoded as {codec(name)[0]}")
    xml = f"<?xml version='1.0' encoding='{name}'?>\n".encode() + data
    assert text_of(xml, "a.xml")[0].endswith(text)


@pytest.mark.parametrize("text", SNIPPETS)
def test_a_short_text_is_windows_1252_where_nothing_is_sure(text):
    found, note = text_of(text.encode("cp1252"))
    assert found == text
    assert "windows-1252" in note or found.encode("cp1252") == text.encode("cp1252")
    assert text_of(b"<p>" + text.encode("cp1252"), "a.html")[0] == text


def test_labels_mean_what_browsers_take_them_for():
    text = "20 € – “oferta”…"
    for label in ("iso-8859-1", "latin1", "us-ascii", "ISO_8859-1"):
        assert text_of(text.encode("cp1252"), media_type=f"text/plain; charset={label}")[0] == text
    assert text_of("①②".encode("cp932"), media_type="text/plain; charset=Shift_JIS")[0] == "①②"
    assert text_of("똠방".encode("cp949"), media_type="text/plain; charset=euc-kr")[0] == "똠방"
    assert text_of("ñandú".encode("cp850"), media_type="text/plain; charset=cp850")[0] == "ñandú"
    assert codec("utf-7") is codec("idna") is codec("iso-2022-kr") is codec("nonsense") is None


@pytest.mark.parametrize(
    ("source", "head"),
    [
        ("a.css", '@charset "iso-8859-15";\n'),
        ("a.py", "# -*- coding: iso-8859-15 -*-\n"),
        ("a.py", "#!/usr/bin/python\n# vim: set fileencoding=iso-8859-15 :\n"),
        ("a.txt", "-*- coding: iso-8859-15 -*-\n"),
    ],
)
def test_what_a_file_declares_is_heard(source, head):
    text = f"{head}20 €, Šimon"
    assert text_of(text.encode("iso-8859-15"), source) == (text, "decoded as iso-8859-15")


def test_a_text_about_encodings_declares_none():
    for text in ("encoding: latin1\nñandú", "the coding: latin1\nñandú", "a\nb\n# coding: latin1\nñandú"):
        assert text_of(text.encode()) == (text, "")


def test_a_false_declaration_decides_nothing():
    assert text_of("ñandú".encode("cp1252"), media_type="text/plain; charset=utf-8")[0] == "ñandú"
    assert text_of(b'<meta charset="utf-16"><p>' + "ñandú".encode(), "a.html")[0] == "ñandú"
    assert text_of("ñandú".encode(), media_type="text/plain; charset=nonsense") == ("ñandú", "")


@pytest.mark.parametrize(
    ("mark", "name"), [(b"", "utf-16-le"), (b"", "utf-16-be"), (codecs.BOM_UTF8, "utf-8")]
)
@pytest.mark.parametrize("text", [SPANISH, RUSSIAN])
def test_unicode_is_known_with_a_mark_and_without(mark, name, text):
    assert text_of(mark + text.encode(name))[0] == text


def test_one_bad_line_never_decides_for_the_others():
    good, bad = "uno año\ndos niños\n", "tres señores\n"
    found, note = text_of(good.encode() + bad.encode("cp1252") + "cuatro cañas".encode())
    assert found == f"{good}{bad}cuatro cañas"
    assert note == "decoded as utf-8, and what is not in 1 of 4 lines as windows-1252"
    one_line = "uno año, dos niños, ".encode() * 9 + "señor".encode("cp1252")
    assert text_of(one_line)[0] == "uno año, dos niños, " * 9 + "señor"
    lines = "日本語のテキスト\nこれは本です\n", "東京都の人々は\n"
    assert text_of(lines[0].encode() + lines[1].encode("cp932"))[0] == "".join(lines)
    assert text_of("日本語①".encode("cp932") + b"\xff\nok", media_type="text/plain; charset=sjis")[
        0
    ].startswith("日本語①")


def test_one_line_of_utf8_is_enough():
    good, bad = (
        "# Título\n\nUn párrafo en español.\nOtra línea.\n",
        "Más señales: ñandú, ¿café?, día, él, ámbar.\n",
    )
    for data in (good.encode() + bad.encode("cp1252"), bad.encode("cp1252") + good.encode()):
        assert sorted(text_of(data, "a.md")[0]) == sorted(good + bad)


def test_a_line_that_looks_like_utf8_by_chance_decides_nothing():
    text = "人人生而自由，在尊严和权利上一律平等。\n联通\n他们赋有理性和良心。\n"
    assert text_of(text.encode("gbk"))[0] == text


def test_an_escape_sequence_begins_no_japanese():
    for data in (b'$ printf "\x1b$x"\n', b"\x1b[1m$ \x1b$z ls\n"):
        found, note = text_of(data, "a.log")
        assert found.encode() == data
        assert not note


def test_what_a_comment_says_of_a_charset_is_not_heard():
    page = "<!-- <meta charset=koi8-r> --><p>año".encode("cp1252")
    assert text_of(page, "a.html")[0] == "año"
    page = b"<!-- <meta charset=koi8-r> --><meta charset=iso-8859-2><p>" + "łódź".encode("iso-8859-2")
    assert text_of(page, "a.html")[0] == "łódź"


def test_a_page_in_a_language_says_so():
    page = '<html lang="ru"><p>дом</p></html>'
    assert text_of(page.encode("cp1251"), "a.html")[0] == "дом"
    assert text_of(page.replace("ru", "en").encode("cp1251"), "a.html", language="ru")[0] == "дом"


def test_utf8_is_not_told():
    assert read("ñandú".encode(), "a.txt", None).notes == ()
    assert read("<p>ñandú".encode(), "a.html", None).notes == ()


def test_a_guess_needs_evidence():
    few, more = "się", POLISH
    assert guess(few.encode("cp1250"), None) == "windows-1252"
    assert guess(more.encode("cp1250"), None) == "windows-1250"
