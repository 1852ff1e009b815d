"""A tokenizer of bytes, and answers that are chosen at random among those that a grammar allows."""

import ctypes
import random

import pytest
from llguidance import LLMatcher, LLTokenizer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from jarvis_adapters.vllm.constraints.grammar import LIMITS, Compiler
from jarvis_adapters.vllm.constraints.settings import StructuredOutputSettings

ENDS = b"\"}]',"
"""What is chosen rather than others, so that answers come to an end."""


def bytes_tokenizer():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {character: number for number, character in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["</s>"])
    return tokenizer


@pytest.fixture(scope="session")
def prepare():
    """What the process that compiles constraints is told of the tokenizer."""
    return {"tokenizer": bytes_tokenizer().to_str(), "vocab_size": 257, "eos_token": 256, "whitespace": False}


@pytest.fixture(scope="session")
def tokenizer(prepare):
    return LLTokenizer(prepare["tokenizer"], n_vocab=257, eos_token=256)


@pytest.fixture
def compile_(tokenizer):
    """Compile a constraint within given bounds."""

    def compiled(constraint, value, **bounds):
        settings = StructuredOutputSettings(**bounds)
        compiler = Compiler(tokenizer, settings, special={"</s>": 256}, whitespace=False)
        return compiler.compiled(constraint, value)

    return compiled


@pytest.fixture
def samples(tokenizer):
    """Answers to a grammar; those that do not end within 600 tokens are left out."""

    def sampled(grammar, count=50):
        compiled = LLMatcher(tokenizer, grammar, log_level=0, limits=LIMITS)
        return [
            text
            for seed in range(count)
            if (text := answer(compiled.deep_copy(), seed, tokenizer)) is not None
        ]

    return sampled


@pytest.fixture
def takes(tokenizer):
    """Return whether a text is one of a grammar's answers."""

    def taken(grammar, text):
        matcher = LLMatcher(tokenizer, grammar, log_level=0, limits=LIMITS)
        tokens = [*tokenizer.tokenize_bytes(text.encode()), tokenizer.eos_token]
        return matcher.validate_tokens(tokens) == len(tokens)

    return taken


def answer(matcher, seed, tokenizer):
    chance, given = random.Random(seed), []  # noqa: S311
    mask = bytearray(36)
    address = ctypes.addressof(ctypes.c_char.from_buffer(mask))
    for _ in range(600):
        matcher.unsafe_compute_mask_ptr(address, len(mask))
        assert not matcher.is_error(), matcher.get_error()
        bits = int.from_bytes(mask, "little")
        allowed = [token for token in range(257) if bits >> token & 1]
        ends = [token for token in allowed if tokenizer.decode_bytes([token]) in map(bytes, zip(ENDS))]
        if 256 in allowed and (len(allowed) == 1 or chance.random() < 0.4):
            return tokenizer.decode_bytes(given).decode()
        chosen = chance.choice(ends if ends and chance.random() < 0.4 else [t for t in allowed if t != 256])
        given.append(chosen)
        matcher.consume_token(chosen)
    return None
