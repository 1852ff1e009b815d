"""A one-layer Llama with random weights: it costs next to nothing, so that the cost of front ends shows."""

import shutil
import tempfile
from pathlib import Path

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from jarvis.models.catalogue import CATALOGUE, DEMO_MODEL

CONTEXT_LENGTH = 2048
SEED = 0


def make(folder: Path) -> Path:
    """Make the model in `folder`, with the tokenizer of the catalogue's demo model, unless it exists already.

    The output rows of tokens that are not printable ASCII are zero, so that with temperature 0 every token
    is a visible piece of text, and the end-of-sequence token never comes.

    Raises:
        RuntimeError: the demo model's package is not installed.
    """
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        gguf = _demo_gguf()
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)  # nosec B615 # a folder
        config = LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=CONTEXT_LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
        torch.manual_seed(SEED)
        model = LlamaForCausalLM(config)
        with torch.no_grad():
            model.lm_head.weight[hidden_tokens(tokenizer)] = 0
        model.save_pretrained(aside)
        tokenizer.save_pretrained(aside)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def hidden_tokens(tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    """Return for each token whether it is none of printable ASCII."""
    texts = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
    special = set(tokenizer.all_special_tokens)
    return torch.tensor([not (t.isascii() and t.isprintable()) or t in special for t in texts])


def _demo_gguf() -> Path:
    gguf = CATALOGUE[DEMO_MODEL].location
    if gguf is None:
        msg = f"the package {CATALOGUE[DEMO_MODEL].package} is not installed: make setup"
        raise RuntimeError(msg)
    return gguf
