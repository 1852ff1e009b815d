"""What two engines that start at the same time must not do at the same time."""

import threading

PREPARING = threading.Lock()
"""Held while vLLM is imported, and while an engine's configuration and tokenizer are made.

`transformers` fails now and then where two threads import it at once, and vLLM writes environment variables
and global state of its own. An engine's process starts and loads outside of it.
"""
TAKING_GPU_MEMORY = threading.Lock()
"""Held during the whole start of an engine on a GPU.

vLLM sizes its cache by how much of the GPU's memory is free before and after a trial run; what another engine
takes meanwhile would be counted as its own.
"""
