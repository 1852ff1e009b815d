"""How batches are run, without a model; what depends on a GPU is tested here alone, with stand-ins."""

import gc
import re
import threading
import weakref
from functools import partial

import numpy as np
import pytest
import torch

from jarvis_adapters.sentence_transformers import errors, precision
from jarvis_adapters.sentence_transformers.encoder import Encoder
from jarvis_adapters.sentence_transformers.runner import with_bfloat16_weights
from jarvis_ports.embedding import TextRole
from jarvis_ports.errors import EngineDead, EngineFailure

pytestmark = pytest.mark.slow

OOM = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")
ASSERT = torch.AcceleratorError("CUDA error: device-side assert triggered\nCUDA kernel errors might be ...")
PROMPTS = {TextRole.QUERY: "query: ", TextRole.DOCUMENT: ""}


class Tensor:
    """What a batch has on the device."""


class FakeModel:
    """Gives the text "12" the vector (12, 1); raises as scripted, if the batch is too large."""

    def __init__(self, error=None, beyond=0, skew=0.0):
        self.device = torch.device("cpu")
        self.error, self.beyond, self.skew = error, beyond, skew
        self.batches, self.tensors = [], []

    def parameters(self):
        return []

    buffers = modules = parameters

    def __deepcopy__(self, memo):
        return self

    def encode(self, texts, **options):
        self.batches.append((texts, options, torch.is_autocast_enabled("cpu")))
        tensor = Tensor()
        self.tensors.append(weakref.ref(tensor))
        if self.error and len(texts) > self.beyond:
            raise type(self.error)(*self.error.args)
        skew = self.skew if torch.is_autocast_enabled("cpu") else 0
        return np.array([[float(text if text.isdigit() else 1) + skew, 1] for text in texts])


@pytest.fixture
def empty_cache(monkeypatch):
    """Let torch say that the GPU is in use; count how often this thread gives its memory back."""
    calls = []
    thread = threading.get_ident()  # that of an embedder that another test has left may still do so
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(
        torch.cuda, "empty_cache", lambda: calls.append(1) if threading.get_ident() == thread else None
    )
    return calls


def encoder(batch_precision="float32", **script):
    made = Encoder(FakeModel(**script), PROMPTS)
    made.batch_precision = batch_precision
    return made, made._model


# Batches


def test_rows_are_float32_of_length_1_in_the_order_of_the_texts():
    vectors = encoder()[0].encode(["3", "0", "1"], TextRole.DOCUMENT)
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, [[3 / 10**0.5, 1 / 10**0.5], [0, 1], [1 / 2**0.5, 1 / 2**0.5]])


def test_a_call_is_one_batch_with_the_prompt_of_its_role():
    made, model = encoder()
    made.encode(["1"] * 100, TextRole.QUERY)
    made.encode(["1"], TextRole.DOCUMENT)
    (_, query, _), (_, document, _) = model.batches
    assert (query["prompt"], query["task"], query["batch_size"]) == ("query: ", "query", 100)
    assert (document["prompt"], document["task"], document["batch_size"]) == ("", "document", 1)


@pytest.mark.parametrize(("wanted", "reduced"), [("float32", [False, False]), ("bfloat16", [False, True])])
def test_bfloat16_is_for_batches_alone(wanted, reduced):
    made, model = encoder(wanted)
    made.encode(["1"], TextRole.QUERY)
    made.encode(["1", "2"], TextRole.QUERY)
    assert [autocast for *_, autocast in model.batches] == reduced


def test_bfloat16_weights_are_made_once_and_give_what_autocast_gives():
    layers = [torch.nn.Linear(8, 16), torch.nn.LayerNorm(16), torch.nn.Linear(16, 4, bias=False)]
    model = torch.nn.Sequential(*layers).eval()
    reduced = with_bfloat16_weights(model)
    assert [parameter.dtype for parameter in model.parameters()] == [torch.float32] * 5
    assert [parameter.dtype for parameter in reduced[0].parameters()] == [torch.bfloat16] * 2
    assert reduced[1].weight is model[1].weight
    values = torch.randn(32, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(reduced(values), model(values))


# Failures


def test_a_batch_that_memory_does_not_hold_is_halved(empty_cache):
    made, model = encoder(error=OOM, beyond=2)
    vectors = made.encode([str(number) for number in range(7)], TextRole.QUERY)
    assert np.allclose(vectors[:, 0] / vectors[:, 1], range(7))
    assert [len(texts) for texts, *_ in model.batches] == [7, 3, 1, 2, 4, 2, 2]
    assert len(empty_cache) == 3, "memory is given back before each retry"
    assert not made.down


@pytest.mark.parametrize(
    "error",
    [
        OOM,
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_a_text_that_memory_does_not_hold_alone_fails_and_the_model_lives_on(empty_cache, error):
    made, model = encoder(error=error)
    with pytest.raises(EngineFailure):
        made.encode(["1", "2"], TextRole.QUERY)
    assert [len(texts) for texts, *_ in model.batches] == [2, 1]
    model.error = None
    assert len(made.encode(["1", "2"], TextRole.QUERY)) == 2


def test_another_failure_is_told_in_one_line_and_not_tried_again(empty_cache):
    made, model = encoder(error=RuntimeError("mat1 and mat2 shapes cannot be multiplied\nand more"))
    with pytest.raises(EngineFailure) as failure:
        made.encode(["1", "2"], TextRole.QUERY)
    assert str(failure.value) == "RuntimeError: mat1 and mat2 shapes cannot be multiplied"
    assert len(model.batches) == len(empty_cache) == 1
    assert not made.down


@pytest.mark.parametrize("error", [OOM, ASSERT, RuntimeError("no")])
def test_nothing_of_a_failed_batch_is_kept_even_while_its_error_is(empty_cache, error):
    made, model = encoder(error=error)
    with pytest.raises((EngineFailure, EngineDead)) as failure:
        made.encode(["1"], TextRole.QUERY)
    gc.disable()
    try:
        assert [tensor() for tensor in model.tensors] == [None]
    finally:
        gc.enable()
    assert failure.value.__context__ is None


def test_a_gpu_that_has_failed_for_good_ends_it(empty_cache, monkeypatch):
    def fail():
        raise ASSERT

    monkeypatch.setattr(torch.cuda, "empty_cache", fail)
    made, model = encoder(error=ASSERT)
    with pytest.raises(EngineDead, match=r"device-side assert triggered$"):
        made.encode(["1", "2"], TextRole.QUERY)
    with pytest.raises(EngineDead):
        made.encode(["1"], TextRole.QUERY)
    assert len(model.batches) == 1, "a dead GPU is not asked again"


@pytest.mark.parametrize("vector", ["nan", "inf", "-0"])
def test_a_vector_that_is_none_is_refused(vector, monkeypatch):
    made, model = encoder()
    bad = [[float(vector), float(vector)]] if vector != "-0" else [[0, 0]]
    monkeypatch.setattr(model, "encode", lambda texts, **_: np.array([[1.0, 0.0], *bad]))
    with pytest.raises(EngineFailure, match="not finite, or zero"):
        made.encode(["1", "2"], TextRole.QUERY)


def test_dropped_it_holds_no_model():
    made, model = encoder()
    held = weakref.ref(model)
    del model
    made.drop()
    assert held() is None


def test_a_gpu_that_was_never_used_is_left_alone(empty_cache, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    errors.free_memory()
    assert not empty_cache, "it would make a CUDA context"


# Precision


@pytest.mark.parametrize(
    ("wanted", "supported", "skew", "chosen", "says"),
    [
        (
            "auto",
            True,
            0.001,
            "bfloat16",
            "batches run in bfloat16: over 16 sample texts the cosine .* 1.0000",
        ),
        ("auto", True, 0.5, "float32", "float32 throughout: with bfloat16, over 16 .* is at least 0.9"),
        ("auto", False, 0.0, "float32", "the processor has no bfloat16"),
        ("float32", True, 0.0, "float32", "float32 throughout$"),
        ("bfloat16", False, 0.5, "bfloat16", "batches run in bfloat16: over 16 .* is at least 0.9"),
    ],
)
def test_precision_is_chosen_by_measurement(monkeypatch, wanted, supported, skew, chosen, says):
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: supported)
    made, _ = encoder(skew=skew)
    note = precision.choose(made, wanted, "cpu", partial(precision.vectors_agree, made))
    assert made.batch_precision == chosen
    assert re.search(says, note)


@pytest.mark.parametrize(
    ("found", "has"), [({"amx_bf16": True}, True), ({"avx512_bf16": True}, True), ({"avx2": True}, False)]
)
def test_emulated_bfloat16_does_not_count(monkeypatch, found, has):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    assert precision.has_bfloat16("cpu") is has
