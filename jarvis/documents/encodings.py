"""Finds the encoding of a text from what it declares and from what its bytes look like."""

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
"""The fallback of the HTML standard: most texts that declare nothing are in it."""

# The standard's decoders know more characters than Python's codecs of the same names.
_CODECS = {"shift_jis": "cp932", "euc-kr": "cp949", "gbk": "gb18030", "big5": "big5hkscs"}
_NO_TEXT = ("replacement", "x-user-defined")
# DOS code pages, which are not in the standard's table but still occur.
_ALIASES = {"cp874": "windows-874"}
_OTHERS = re.compile(r"(cp|ibm)-?(437|85[0258]|86[0-35])")
_DECLARED = re.compile(
    rb"""\A\s*<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([\w.:-]+)"""
    rb"""|\A@charset "([\w.:-]+)";"""
    rb"|\A(?:.*\n)?(?:[ \t\f]*#|.{0,9}-\*-).{0,80}?coding[:=][ \t]*([\w.-]+)"
)
"""Declarations of XML, of style sheets, and those in the first two lines for editors and Python (PEP 263)."""

CONFIDENT = 6
"""The number of bytes above ASCII that a guess needs.

In lines of Spanish, French, Portuguese and German manuals in windows-1252, it is wrong about 3 in 100 with
one to five such bytes, and about 1 in 100 with more.
"""
LEAST = 4
"""The number of such bytes that are enough if they are most of the letters: two Chinese characters."""

# The standard's fallbacks for languages that a detector easily mistakes for others.
_USUAL = {
    **dict.fromkeys(("cs", "hr", "hu", "pl", "ro", "sk", "sl"), "windows-1250"),
    **dict.fromkeys(("az", "tr"), "windows-1254"),
    **dict.fromkeys(("et", "lt", "lv"), "windows-1257"),
    "vi": "windows-1258",
}
# The domains of countries that are not named like their languages.
_DOMAINS = {
    "ar": "eg", "be": "by", "cs": "cz", "da": "dk", "el": "gr", "et": "ee", "fa": "ir", "he": "il",
    "ja": "jp", "ka": "ge", "kk": "kz", "ko": "kr", "sl": "si", "sq": "al", "sr": "rs", "sv": "se",
    "uk": "ua", "vi": "vn",
}  # fmt: skip


def codec(label: str) -> tuple[str, str] | None:
    """Return the encoding of a label: its name in the WHATWG table and Python's codec; None if unknown.

    Like browsers, this takes "iso-8859-1" and "ascii" for windows-1252, which texts with these labels use.
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
    """Return the encoding label that a text other than HTML declares, or None."""
    if found := _DECLARED.match(data[:1024]):
        return next(label for label in found.groups() if label).decode()
    return None


def guess(data: bytes, language: str | None) -> str:
    """Guess the encoding of bytes that are not UTF-8, and return its name in the WHATWG table.

    Without a language, a few bytes above ASCII are no evidence: the guess is then windows-1252, unless they
    are most of the letters, as in a script that is not Latin.

    Args:
        data: the text.
        language: its language, as a BCP 47 tag ("es", "pt-BR"); None if it is unknown.
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
    """Return the top-level domain that stands for a language in the detector; None for English."""
    name, *rest = language.lower().replace("_", "-").split("-")
    region = next((part for part in rest if len(part) == 2), None)
    if "hant" in rest:
        region = region or "tw"
    found = region or _DOMAINS.get(name, name)
    return found if found.isascii() and found.isalpha() and name != "en" else None
