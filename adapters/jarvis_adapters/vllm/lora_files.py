"""Checks weights that PEFT wrote (LoRA) against the model that they are for.

vLLM loads those of a model of another width without a word, and its engine dies of the first request.
"""

from collections import defaultdict
from pathlib import Path

from jarvis_adapters.vllm.weights import FLOATS, all_named_tensors, named_tensors
from jarvis_ports.errors import EngineStartFailed

TENSORS = "adapter_model.safetensors"
A, B = ".lora_A.weight", ".lora_B.weight"
"""What the names of the two factors end with; they have the shapes [rank, inputs] and [outputs, rank]."""
Shape = tuple[int, ...]


def check(folder: Path, base: Path, max_rank: int) -> None:
    """Check that weights can be used with a model, as far as their files tell.

    Args:
        folder: that of the weights.
        base: that of the model; what cannot be read of it, or is quantised, is not compared.
        max_rank: the largest rank that the engine takes.

    Raises:
        EngineStartFailed: they cannot; the text says why.
    """
    try:
        shapes = {name: tuple(tensor["shape"]) for name, tensor in named_tensors(folder / TENSORS)}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise EngineStartFailed(f"{folder / TENSORS} cannot be read: {error}") from None
    modules = [name.removesuffix(A) for name in shapes if name.endswith(A)]
    if not modules:
        raise EngineStartFailed(f"{folder / TENSORS} has no weights of a LoRA")
    known, quantised = _modules(base)
    for module in modules:
        a, b = shapes[module + A], shapes.get(module + B, ())
        if len(a) != 2 or len(b) != 2 or a[0] != b[1]:
            why = f"the factors of {module} do not fit together: {list(a)} and {list(b)}"
        elif a[0] > max_rank:
            why = f"its rank is {a[0]}, and the engine takes {max_rank}: raise engine_args.max_lora_rank"
        else:
            why = _other_model(_place(module), (b[0], a[1]), known, quantised=quantised)
        if why:
            raise EngineStartFailed(f"{folder}: {why}")


def _other_model(place: str, shape: Shape, known: dict[str, set[Shape]], *, quantised: bool) -> str:
    """Return how a module differs from that of the model; nothing if it does not, or nobody can tell."""
    if not (place and known) or shape in known.get(place, ()):
        return ""
    if place in known:
        there = " or ".join(str(list(one)) for one in sorted(known[place]))
        return f"it is of another model: {place} is {list(shape)} in that, and {there} in this one"
    return "" if quantised else f"it is of another model: this one has no {place}"


def _modules(base: Path) -> tuple[dict[str, set[Shape]], bool]:
    """Return the shapes of a model's modules by their place, and whether any of its weights are quantised."""
    found: defaultdict[str, set[Shape]] = defaultdict(set)
    quantised = False
    for name, tensor in all_named_tensors(base):
        if tensor["dtype"] not in FLOATS:
            quantised = True
        elif place := _place(name.removesuffix(".weight")):
            found[place].add(tuple(tensor["shape"]))
    return found, quantised


def _place(name: str) -> str:
    """Return where a module stands, from its layer on: what is before that differs between formats."""
    _, layers, rest = name.rpartition("layers.")
    return layers + rest if layers else ""
