"""Locks for what two engines that start at the same time must not do at the same time."""

import threading

PREPARING = threading.Lock()
"""The lock held while vLLM is imported, and while an engine's configuration and tokenizer are made.

`transformers` sometimes fails if two threads import it at once, and vLLM writes environment variables and
global state of its own. An engine's process starts and loads the model without this lock.
"""
TAKING_GPU_MEMORY = threading.Lock()
"""The lock held during the whole start of an engine on a GPU.

vLLM sizes its cache by how much of the GPU's memory is free before and after a trial run; memory that another
engine takes meanwhile would be counted as its own.
"""
