"""Which encoding the bytes of a text are in: what is declared, and what they look like."""

import codecs
import re

import webencodings
from chardetng_py import EncodingDetector

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
DEFAULT = "windows-1252"
"""What the HTML standard falls back to: most texts that say nothing are in it."""

# The standard's decoders know more characters than Python's codecs of the same names.
_CODECS = {"shift_jis": "cp932", "euc-kr": "cp949", "gbk": "gb18030", "big5": "big5hkscs"}
_NO_TEXT = ("replacement", "x-user-defined")
# Not of the standard's table, and still met: code pages of DOS.
_ALIASES = {"cp874": "windows-874"}
_OTHERS = re.compile(r"(cp|ibm)-?(437|85[0258]|86[0-35])")
_DECLARED = re.compile(
    rb"""\A\s*<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([\w.:-]+)"""
    rb"""|\A@charset "([\w.:-]+)";"""
    rb"|\A(?:.*\n)?(?:[ \t\f]*#|.{0,9}-\*-).{0,80}?coding[:=][ \t]*([\w.-]+)"
)
"""In XML, in style sheets, and for editors and Python (PEP 263) in one of the first two lines."""

CONFIDENT = 6
"""Bytes above ASCII that a guess needs. Of lines of Spanish, French, Portuguese and German manuals in
windows-1252, it is wrong for 3 in 100 with one to five such bytes, and for 1 in 100 with more."""
LEAST = 4
"""Such bytes that it needs where they are most of the letters: two characters of Chinese."""

# What the standard has browsers fall back to, for languages that a detector easily takes for others.
_USUAL = {
    **dict.fromkeys(("cs", "hr", "hu", "pl", "ro", "sk", "sl"), "windows-1250"),
    **dict.fromkeys(("az", "tr"), "windows-1254"),
    **dict.fromkeys(("et", "lt", "lv"), "windows-1257"),
    "vi": "windows-1258",
}
# Where the domain of a country has another name than its language.
_DOMAINS = {
    "ar": "eg", "be": "by", "cs": "cz", "da": "dk", "el": "gr", "et": "ee", "fa": "ir", "he": "il",
    "ja": "jp", "ka": "ge", "kk": "kz", "ko": "kr", "sl": "si", "sq": "al", "sr": "rs", "sv": "se",
    "uk": "ua", "vi": "vn",
}  # fmt: skip


def codec(label: str) -> tuple[str, str] | None:
    """Find the encoding of a label: its name in the WHATWG table and Python's codec; None for an unknown one.

    Browsers take "iso-8859-1" and "ascii" for windows-1252, and so does this: texts of that label use it.
    """
    label = label.strip().lower()
    label = _ALIASES.get(label, label)
    for spelt in (label, label.replace("_", "-"), label.replace("-", "")):
        if (found := webencodings.lookup(spelt)) and found.name not in _NO_TEXT:
            return found.name, _CODECS.get(found.name, found.codec_info.name)
    if other := _OTHERS.fullmatch(label):
        return label, f"cp{other[2]}"
    return None


def declared(data: bytes) -> str | None:
    """Find the label that a text which is no HTML has for itself."""
    if found := _DECLARED.match(data[:1024]):
        return next(label for label in found.groups() if label).decode()
    return None


def guess(data: bytes, language: str | None) -> str:
    """Return what bytes that are no UTF-8 look like: the name in the WHATWG table.

    Few bytes above ASCII are no evidence without a language: it is windows-1252 then, unless most letters are
    above, as where the script is not Latin.

    Args:
        data: the text.
        language: of the text, as a BCP 47 tag ("es", "pt-BR"); None where nobody knows it.
    """
    detector = EncodingDetector()
    detector.feed(data, last=True)
    domain = _domain(language) if language else None
    found = detector.guess(tld=domain.encode() if domain else None, allow_utf8=False)
    if domain and language:
        usual = _USUAL.get(language.lower()[:2], DEFAULT)
        return usual if found == "windows-1252" else found
    above = sum(byte > 0x7F for byte in data)
    letters = len(re.findall(rb"[A-Za-z]", data))
    return found if above >= (CONFIDENT if above < letters else LEAST) else DEFAULT


def _domain(language: str) -> str | None:
    """Return the top-level domain that tells the detector of a language; English tells nothing."""
    name, *rest = language.lower().replace("_", "-").split("-")
    region = next((part for part in rest if len(part) == 2), None)
    if "hant" in rest:
        region = region or "tw"
    found = region or _DOMAINS.get(name, name)
    return found if found.isascii() and found.isalpha() and name != "en" else None
