"""Turns a GGUF file of the catalogue into a model folder in the Hugging Face format."""

import os

from jarvis.models.catalogue import CatalogueModel
from jarvis.models.work import Work


def unpack(model: CatalogueModel, work: Work) -> None:
    """Write the weights in bfloat16, the tokenizer and the chat template, without using the network."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    file = model.location
    assert file is not None  # noqa: S101 - `check` has seen it
    work.step = "loading transformers"
    import torch  # noqa: PLC0415 - they read the variable above when they are imported
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig  # noqa: PLC0415

    work.step = "unpacking"
    config = GgufConfig(gguf_file=file.name, dequantize=True)
    weights = AutoModelForCausalLM.from_pretrained(  # nosec B615 # a folder
        file.parent, gguf_file=file.name, dtype=torch.bfloat16, quantization_config=config
    )
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)  # nosec B615 # a folder
    work.step = "writing"
    weights.save_pretrained(work.folder)
    tokenizer.save_pretrained(work.folder)
    for written in work.folder.iterdir():
        written.chmod(0o644)  # safetensors makes its file readable by its owner alone
