"""A cross-encoder of two layers with random weights: it ranks by chance, and shows that one can be run."""

from pathlib import Path

import torch
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

from jarvis.models import resolve
from jarvis.models.catalogue import DEMO_EMBEDDER

MAX_TOKENS = 128
SEED = 0


def make(folder: Path, labels: int = 1) -> Path:
    """Make the model in `folder`, with the tokenizer of the catalogue's embedding model.

    Args:
        folder: where it goes.
        labels: how many scores it gives for a text; a reranker gives one.
    """
    tokenizer = AutoTokenizer.from_pretrained(resolve(DEMO_EMBEDDER), model_max_length=MAX_TOKENS)  # nosec B615 # a folder
    torch.manual_seed(SEED)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=MAX_TOKENS,
        num_labels=labels,
        initializer_range=0.3,  # with less, all scores are nearly the same
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
