"""Changes the bytes of messages that were valid."""

from random import Random

HALVES = b"\xed\xa0\x80\xed\xb0\x80"
"""A character in two halves, as UTF-16 has it, which is no UTF-8."""


def varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def tag(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


def flip(sent: bytes, random: Random) -> bytes:
    """Change some bits."""
    changed = bytearray(sent)
    for _ in range(random.randint(1, 4)):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def cut(sent: bytes, random: Random) -> bytes:
    return sent[: random.randint(0, len(sent))]


def repeat(sent: bytes, random: Random) -> bytes:
    """Write every field again, perhaps many times: of a field, the last counts; repeated ones grow."""
    return sent * random.choice([2, 3, 100])


def splice(sent: bytes, random: Random) -> bytes:
    """Write a part of the message at another place of it."""
    start, end, to = sorted(random.randint(0, len(sent)) for _ in range(3))
    return sent[:to] + sent[start:end] + sent[to:]


def unknown(sent: bytes, random: Random) -> bytes:
    """Add fields that the contract does not have, of every wire type."""
    number = random.choice([25, 99, 1000, 2**29 - 1])
    fields = [
        tag(number, 0) + varint(2**64 - 1),
        tag(number, 1) + bytes(8),
        tag(number, 2) + varint(5) + b"hello",
        tag(number, 3) + tag(number, 4),
        tag(number, 5) + bytes(4),
    ]
    return sent + b"".join(random.sample(fields, 3))


def wrong_type(sent: bytes, random: Random) -> bytes:
    """Add a field of the contract, with another wire type or one that there is not."""
    number, wire_type = random.randint(0, 12), random.randint(0, 7)
    return sent + tag(number, wire_type) + random.randbytes(random.randint(0, 9))


def huge(sent: bytes, random: Random) -> bytes:
    """Add a number of 64 bits or of too many bytes, or a length that the message does not have."""
    number = random.randint(1, 12)
    long_ = random.choice([varint(2**64 - 1), b"\xff" * 11 + b"\1", varint(2**63), varint(2**31)])
    return sent + tag(number, random.choice([0, 2])) + long_


def not_text(sent: bytes, random: Random) -> bytes:
    """Add a text that is not UTF-8."""
    text = random.choice([HALVES, b"\xff\xfe", b"\xc0\x80", b"\xf4\x90\x80\x80", b"ab\xe2\x82"])
    return sent + tag(random.randint(1, 12), 2) + varint(len(text)) + text


def nest(sent: bytes, random: Random) -> bytes:
    """Put the message into itself, deeper than protobuf reads."""
    number = random.randint(1, 8)
    for _ in range(random.choice([10, 99, 101, 1000])):
        sent = tag(number, 2) + varint(len(sent)) + sent
    return sent


def random_bytes(sent: bytes, random: Random) -> bytes:
    return random.randbytes(len(sent))


MUTATIONS = [flip, cut, repeat, splice, unknown, wrong_type, huge, not_text, nest, random_bytes]
