"""vLLM's own OpenAI server with its front end in Rust."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from bench.frontend import openai_server
from bench.frontend.load import Generate
from bench.vllm_serve import rust_environment


def start(engine: dict[str, Any]) -> AbstractAsyncContextManager[Generate]:
    """Run the server."""
    return openai_server.start(engine, rust_environment())
