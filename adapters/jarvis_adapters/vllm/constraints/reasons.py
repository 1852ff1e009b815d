"""Translates the errors of llguidance into the notation that the caller used."""

import re

NOTHING = "no text matches it"
CARET = re.compile(r"^ *\^", re.MULTILINE)
POSITION = re.compile(r"^(?:at )?(\d+)\((\d+)\): ")
LOOKAROUNDS = {
    "Word": "a word boundary",
    "Start": "an anchor that is not at the beginning",
    "End": "an anchor that is not at the end",
}
CONTROL = re.compile(r"token \".*\" doesn't satisfy the grammar; forced bytes", re.DOTALL)
"""What llguidance says where the text of a token that is no text has to be written."""
COMPLEX = re.compile(r"too (?:many|big|complex)|^panic|fuel", re.IGNORECASE)


def of_regex(error: str) -> str:
    """Return what is wrong with a regular expression."""
    if looks := re.search(r"lookarounds not supported yet; (Word|Start|End)", error):
        return f"{LOOKAROUNDS[looks[1]]} is not supported"
    if told := re.search(r"^error: (.+)$", error, re.MULTILINE):
        *_, shown = error[: told.start()].splitlines()
        where = f" at character {shown.index('^') - 3}" if CARET.match(shown) else ""
        return f"{told[1]}{where}"
    return _first_line(error)


def of_schema(error: str) -> str:
    """Return what is wrong with a JSON schema whose keywords are all honoured."""
    if "oneOf constraints" in error:
        return "is honoured only where its schemas plainly exclude each other; use anyOf"
    if error.startswith("Failed to generate regex for integer range"):
        return "has a number with a fraction, or a range, in which there is no integer"
    if "not present in a registry" in error:
        return "refers to what is not in the schema"
    if error.startswith("invalid regex") or "regex parse error" in error or "lookarounds" in error:
        return of_regex(error).partition(" at character ")[0]  # the pattern is Rust's by then
    return _first_line(error)


def of_grammar(error: str, *, gbnf: bool = False) -> str:
    """Return what is wrong with a grammar. Positions in converted GBNF mean nothing to its author."""
    if "regex parse error" in error or "lookarounds" in error:
        return of_regex(error)
    if at := re.search(r" at line (\d+), (.+)$", error, re.DOTALL):
        return f"line {at[1]}: {error[: at.start()]}, at {at[2]}"
    first = _first_line(error)
    if at := POSITION.match(first):
        rest = first[at.end() :]
        return rest if gbnf else f"line {at[1]}, column {at[2]}: {rest}"
    return first


def _first_line(error: str) -> str:
    if CONTROL.search(error):
        return "demands the text of a control token of the model, which is no text"
    first = error.partition("\n")[0].strip()
    if ways := re.search(r"Current row has (\d+) items; max is (\d+)", first):
        return f"is too complex: {ways[1]} ways to go on, as with many optional properties; at most {ways[2]}"
    return "is too complex" if COMPLEX.search(first) else first
