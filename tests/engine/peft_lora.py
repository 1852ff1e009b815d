"""A LoRA that peft makes, and what it answers there."""

from pathlib import Path

import torch


def make(folder: Path, base: Path, prompt: str, tokens: int) -> tuple[list[int], list[int]]:
    """Write a LoRA with random weights; return the tokens of a prompt, and of the greedy answer in peft.

    Args:
        folder: where it is made.
        base: the folder of the model that it is for.
        prompt: what is asked.
        tokens: how many tokens the answer has.
    """
    from peft import LoraConfig, get_peft_model  # noqa: PLC0415 - slow to import
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 - likewise

    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model.generation_config.eos_token_id = None  # so that no answer ends early
    config = LoraConfig(
        r=8,
        lora_alpha=64,  # with less, the greedy answer of the demo model stays the same
        target_modules=["q_proj", "v_proj"],
        init_lora_weights=False,  # peft's own way to have random ones
        task_type="CAUSAL_LM",
    )
    tuned = get_peft_model(model, config)
    tuned.save_pretrained(folder)
    asked = AutoTokenizer.from_pretrained(base)(prompt, return_tensors="pt").input_ids
    answer = tuned.generate(input_ids=asked, max_new_tokens=tokens, do_sample=False)
    return asked[0].tolist(), answer[0, asked.shape[1] :].tolist()
