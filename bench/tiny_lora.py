"""A LoRA with random weights for the tiny model, in the files that PEFT writes."""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

SCALE = 8.0
"""So large that every answer changes."""


def make(folder: Path, base: Path, rank: int = 8, width: int | None = None) -> Path:
    """Write the LoRA of the first layer of the model in `base` into `folder`.

    Args:
        folder: where it is made.
        base: the folder of the model that it is for.
        rank: its rank.
        width: the width of the model that it is for, if that is to be another one than `base` has.
    """
    with safe_open(base / "model.safetensors", "pt") as weights:
        shapes = {
            name: weights.get_slice(f"model.layers.0.self_attn.{name}.weight").get_shape()
            for name in ("q_proj", "v_proj", "o_proj")
        }
    generator = torch.Generator().manual_seed(1)
    tensors = {}
    for name, (outputs, inputs) in shapes.items():
        key = f"base_model.model.model.layers.0.self_attn.{name}"
        tensors[f"{key}.lora_A.weight"] = torch.randn(rank, width or inputs, generator=generator)
        tensors[f"{key}.lora_B.weight"] = torch.randn(width or outputs, rank, generator=generator)
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "base_model_name_or_path": base.name,
        "bias": "none",
        "lora_alpha": SCALE * rank,
        "lora_dropout": 0.0,
        "peft_type": "LORA",
        "r": rank,
        "target_modules": sorted(shapes),
        "task_type": "CAUSAL_LM",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    return folder
