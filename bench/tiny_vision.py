"""A one-layer Idefics3 with random weights, whose answers depend on the images that it is given."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AddedToken,
    AutoTokenizer,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessor,
    Idefics3Processor,
    LlamaConfig,
)

from bench.tiny_model import hidden_tokens

TILE, PATCH, SCALE = 32, 8, 2
TOKENS_PER_TILE = (TILE // PATCH) ** 2 // SCALE**2
"""The image tokens of a tile of 32 by 32 pixels; a larger image is 4 tiles or fewer, and itself as one."""
STRENGTH = 40.0
"""What the images' part of the prompt is multiplied by, so that it decides the answer."""
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make(folder: Path, base: Path) -> Path:
    """Make the model in `folder`, with the tokenizer of the tiny model in `base`, unless it exists."""
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        _write(aside, base)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def _write(folder: Path, base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)  # nosec B615 # a folder
    tiles = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    tokenizer.add_tokens([AddedToken(one, special=True) for one in ("<global-img>", *tiles)])
    sides = {"size": {"longest_edge": 2 * TILE}, "max_image_size": {"longest_edge": TILE}}
    processor = Idefics3Processor(
        Idefics3ImageProcessor(**sides),
        tokenizer,
        image_seq_len=TOKENS_PER_TILE,
        chat_template=TEMPLATE,
    )
    torch.manual_seed(0)
    model = Idefics3ForConditionalGeneration(_config(tokenizer, processor.image_token_id))
    with torch.no_grad():
        model.lm_head.weight[hidden_tokens(tokenizer)] = 0
        model.model.connector.modality_projection.proj.weight.mul_(STRENGTH)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def _config(tokenizer: Any, image_token_id: int) -> Idefics3Config:  # noqa: ANN401 - no common type
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    vision = {
        "hidden_size": 64,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": TILE,
        "patch_size": PATCH,
    }
    return Idefics3Config(
        text_config=text,
        vision_config=vision,
        scale_factor=SCALE,
        image_token_id=image_token_id,
        pad_token_id=tokenizer.eos_token_id,
    )
