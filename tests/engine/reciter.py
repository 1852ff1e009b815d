"""A model that recites: after each token of its lines comes the next one, whatever was said before."""

from itertools import pairwise

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from jarvis.models.catalogue import CATALOGUE, DEMO_MODEL

HIDDEN = 64


def make(folder, marks, template, *lines):
    """Make it in a folder, with the demo model's tokenizer, these added tokens, and this chat template.

    Each line is a list of tokens' texts; a token is in one place of all lines alone, but as their last one.
    """
    gguf = CATALOGUE[DEMO_MODEL].location
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    tokenizer.add_tokens(marks)
    tokenizer.chat_template = template
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        intermediate_size=HIDDEN,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    seen = set()
    with torch.no_grad():
        torch.nn.init.normal_(model.model.embed_tokens.weight)
        model.model.layers[0].self_attn.o_proj.weight.zero_()
        model.model.layers[0].mlp.down_proj.weight.zero_()
        model.lm_head.weight.zero_()
        for line in lines:
            ids = [one for text in line for one in tokenizer.encode(text, add_special_tokens=False)]
            assert seen.isdisjoint(ids[:-1]), "a token has one token that comes after it"
            seen |= set(ids[:-1])
            for one, following in pairwise(ids):
                model.lm_head.weight[following] += model.model.embed_tokens.weight[one]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
