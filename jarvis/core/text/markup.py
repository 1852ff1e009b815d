"""Finds what a page made from Markdown does not show: comments, and elements that are hidden.

All of this takes time in proportion to the text: no pattern scans the same part again and again.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

_FLAGS = re.MULTILINE | re.IGNORECASE
_TOKEN = re.compile(
    r"(?P<gap>\n(?:[ \t]*+\n)++)"
    r"|(?P<item>^ {0,3}(?:(?:[-+*:]|\d{1,9}[.)]|!!!|\?{3}\+?|===)(?=\s)|\[\^[^\]\n]++\]:))"
    r"|(?P<fence>^ {0,3}(?P<run>`{3,}+(?=[^`\n]*$)|~{3,}+))"
    r"|(?P<escape>\\[!-/:-@\[-`{-~])"
    r"|(?P<ticks>`++)"
    r"|(?P<comment><!--(?:-?>)?)"
    r"|(?P<markup><\?|<!\[CDATA\[|<!(?=[a-z]))"
    r"|(?P<note>^ {0,3}\[[^\]\n]++\]:[ \t]*+(?:#|<>)[ \t]++[(\"'])"
    r"|(?P<tag><(?P<name>[a-z][\w-]*+)(?=[\s/>])(?P<attributes>(?:=\s*+(?:\"[^\"<]*+\"|'[^'<]*+')|[^<>])*+)>)"
    r"|(?P<raw><(?:pre|script|style|textarea)\b)",
    _FLAGS,
)
"""The beginnings of constructs; an `item` is one whose text may be indented, as in lists and footnotes."""
_INDENTED = re.compile(r"(?:(?: {4}| {0,3}\t)[^\n]*+(?:\n(?:[ \t]*+\n)*+|\Z))++")
_ATTRIBUTE = re.compile(r"([^\s=\"'/]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|(\S*+)))?")
_ENDS = {"<!--": "-->", "<?": r"\?>", "<![CDATA[": "]]>", "<!": ">"}
_STYLE_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_UNSEEN_STYLE = re.compile(
    r"display\s*+:\s*+none|visibility\s*+:\s*+(?:hidden|collapse)|(?<![\w-])color\s*+:\s*+transparent"
    r"|(?:font-size|opacity)\s*+:\s*+0(?![.\d]*[1-9])|opacity\s*+:\s*+(?:0?\.0(?![5-9])|[0-4](?:\.\d*+)?%)"
    r"|font-size\s*+:\s*+(?:[01]?\.\d++|[12](?:\.0*+)?)px"
    r"|(?:left|top|right|bottom|text-indent)\s*+:\s*+-(?:\d{4}|9\d\d(?:px|\.)|(?:[6-9]\d|\d{3})(?:\.\d*+)?r?em)",
    re.IGNORECASE,
)
_UNSEEN = ("dialog", "noscript", "script", "style", "template", "title")
"""Elements that are not seen, provided that they are closed: a text may merely mention one."""
_RAW = ("pre", "script", "style", "textarea")
_VOID = re.compile("area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr")
_BLOCK = (
    "address|article|aside|blockquote|center|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|footer|form|"
    "h[1-6]|header|hr|li|main|nav|ol|pre|section|table|tbody|td|tfoot|th|thead|tr|ul"
)
_WIDE = re.compile(f"{_BLOCK}|a|b|big|code|em|font|i|s|small|strike|strong|tt|u")
"""Elements that continue after the paragraph that they begin in, until they are closed."""
_CONTAINER = re.compile(r"[ \t]*+(?:(?:>|[-+*](?=\s)|\d{1,9}[.)](?=\s))[ \t]*+)*+")
"""The markers that lines in items and quotes begin with."""
_PREFIX = 40
"""The number of characters before a comment that decide whether a block begins with it."""


def unseen(text: str) -> Iterator[tuple[int, int]]:
    """Return the parts of a Markdown text that are not seen, in order."""
    return _Page(text).unseen()


class _Page:
    def __init__(self, text: str) -> None:
        self._text = text
        self._item = False
        self._blank = _Next(text, r"\n[ \t]*+\n")
        self._begun = 0
        self._block = _Next(text, rf"(?i:^ {{0,3}}</?(?:{_BLOCK}|p)(?=[\s/>]))")
        self._container_end = _Next(text, r"\n[ \t]*+\n(?=\S)")
        self._ends = {begun: _Next(text, end) for begun, end in _ENDS.items()}
        self._ends |= {name: _Next(text, rf"(?i:</{name}\s*+>)") for name in _UNSEEN}
        self._note_end = _Next(text, r"[)\"'][ \t]*+$")
        self._ticks: dict[int, list[int]] = {}
        self._ticks_until = 0

    def unseen(self) -> Iterator[tuple[int, int]]:
        at = self._begin(0)
        while found := _TOKEN.search(self._text, at):
            start, at = found.span()
            match found.lastgroup:
                case "gap":
                    at = self._begin(at)
                case "item" | "raw":
                    self._item = True
                case "fence":
                    closed = re.compile(rf"^ {{0,3}}{found['run']}", _FLAGS).search(self._text, at)
                    self._begun = at = closed.end() if closed else len(self._text)
                case "escape":
                    at = start + 1 if self._in_block(start) else at
                case "ticks":
                    at = self._span_end(start, at)
                case _ if (end := self._end(found)) is not None:
                    yield start, end
                    at = end

    def _begin(self, at: int) -> int:
        """Return where to continue after a blank line: past indented code, which is only outside items."""
        self._begun = at
        if not self._item and (code := _INDENTED.match(self._text, at)):
            at = code.end()
        if not self._text[at : at + 1].isspace():
            self._item = False
        return at

    def _span_end(self, start: int, at: int) -> int:
        """Return the end of the code span that the ticks begin in their paragraph, or else their own end."""
        if start >= self._ticks_until:
            self._ticks_until = self._blank.after(start)
            self._ticks = {}
            for run in re.compile("`++").finditer(self._text, start, self._ticks_until):
                self._ticks.setdefault(len(run[0]), []).append(run.start())
        length = at - start
        runs = self._ticks.get(length, [])
        found = bisect_right(runs, start)
        return runs[found] + length if found < len(runs) else at

    def _end(self, found: re.Match[str]) -> int | None:
        """Return where the hidden part that a match begins ends, or None if it hides nothing."""
        at = found.end()
        if found["comment"]:
            return at if found[0].endswith(">") else self._comment_end(found.start(), at)
        if found["note"]:
            end = self._note_end.after(at)
            return self._note_end.end if end < self._blank.after(at) else None
        alone = self._begins_line(found.start())
        if found["markup"]:
            return self._next_end(found[0].upper(), at, alone=alone)
        name = found["name"].lower()
        self._item |= name in _RAW
        if _VOID.fullmatch(name) or found["attributes"].endswith("/"):
            return None
        if not _hides(found["attributes"]):
            shown = name not in _UNSEEN or (name == "dialog" and "open" in found["attributes"].lower())
            return None if shown else self._next_end(name, at, alone=alone)
        wide = _WIDE.fullmatch(name) or (alone and name != "p")
        return self._closed(name, at, len(self._text) if wide else self._blank.after(at))

    def _comment_end(self, start: int, at: int) -> int | None:
        """Return where a comment ends; an unclosed one is text (None), unless a block begins with it."""
        closed = self._ends["<!--"]
        if closed.after(at) < len(self._text):
            return closed.end
        if self._begins_line(start) or self._in_block(start):
            return len(self._text)
        before = self._text[max(0, start - _PREFIX) : start].rpartition("\n")
        begins = (before[1] or start < _PREFIX) and _CONTAINER.fullmatch(before[2])
        return self._container_end.after(at) if begins and (self._item or before[2].strip()) else None

    def _next_end(self, begun: str, at: int, *, alone: bool) -> int | None:
        """Return the end of what was begun, or None; it must be in the paragraph unless `alone` on a line."""
        end = self._ends[begun]
        return end.end if end.after(at) < (len(self._text) if alone else self._blank.after(at)) else None

    def _begins_line(self, start: int) -> bool:
        line = self._text[max(0, start - 4) : start].rpartition("\n")
        return not line[2].strip() and (bool(line[1]) or start < 4)

    def _in_block(self, start: int) -> bool:
        """Return whether `start` is in an HTML block: nothing is escaped there, and any comment is hidden."""
        return self._block.after(self._begun) < start

    def _closed(self, name: str, at: int, end: int) -> int:
        """Return where the element that is open at `at` ends, or `end` if nothing closes it before that."""
        tags = re.compile(rf"<!--.*?(?:-->|\Z)|<(/?){name}(?=[\s/>])[^<>]*+>", re.IGNORECASE | re.DOTALL)
        depth = 1
        for found in tags.finditer(self._text, at, end):
            if found[1] is not None and not found[0].endswith("/>"):
                depth += -1 if found[1] else 1
            if not depth:
                return found.end()
        return end


class _Next:
    """Finds the next match in a text, and searches again only once the caller has passed it."""

    def __init__(self, text: str, pattern: str) -> None:
        self._text = text
        self._pattern = re.compile(pattern, re.MULTILINE)
        self._start = self.end = -1

    def after(self, at: int) -> int:
        """Return the start of the next match at or after `at`, or the text's length; `at` never decreases."""
        if self._start < at:
            found = self._pattern.search(self._text, at)
            self._start, self.end = found.span() if found else (len(self._text),) * 2
        return self._start


def _hides(attributes: str) -> bool:
    for name, *values in _ATTRIBUTE.findall(attributes):
        value = "".join(values)
        match name.lower():
            case "hidden":
                return True
            case "aria-hidden" if value.lower().startswith("true"):
                return True
            case "style" if _UNSEEN_STYLE.search(_STYLE_COMMENT.sub("", value)):
                return True
    return False
