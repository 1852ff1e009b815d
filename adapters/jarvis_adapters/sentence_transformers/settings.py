"""The settings of sentence-transformers."""

from importlib.util import find_spec
from typing import Literal

from pydantic import Field

from jarvis_plugins import AdapterSettings, ModelRef
from jarvis_ports.extras import how_to_install


class ModelSettings(AdapterSettings):
    """The settings that both adapters have."""

    model: ModelRef = Field(description="A catalogue name, a local folder, or a Hugging Face repository id.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where it runs; auto takes a GPU it sees."
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="The precision of batches; one text alone is always float32. Auto is bfloat16 if the "
        "processor has it and sample texts keep a cosine of 0.9999 to their vectors in float32.",
    )
    max_tokens: int | None = Field(
        None, gt=0, description="Tokens that are read of a text, if fewer than the model can."
    )
    threads: int | None = Field(
        None, gt=0, description="CPU threads that compute one batch; if unset, as many as there are cores."
    )
    hang_seconds: float = Field(
        300.0,
        ge=1,
        description="How long one batch may take; a model that takes longer hangs, and is loaded anew.",
    )

    @classmethod
    def missing(cls) -> str:
        """See `AdapterSettings.missing`."""
        if find_spec("sentence_transformers"):
            return ""
        return (
            f"sentence-transformers is not installed: with a GPU, {how_to_install('embedding')}; "
            "without one, pip install --no-deps -r requirements/cpu.txt there"
        )


class SentenceTransformersSettings(ModelSettings):
    """Settings of the `sentence-transformers` adapter."""

    model: ModelRef = Field(
        "all-minilm-l6-v2",
        description="A catalogue name, a local folder, or a Hugging Face repository id.",
    )
    query_prompt: str | None = Field(
        None, description="Put before every query; the model's own if unset, none if empty."
    )
    document_prompt: str | None = Field(
        None, description="Put before every document; the model's own if unset, none if empty."
    )


class CrossEncoderSettings(ModelSettings):
    """Settings of the `cross-encoder` adapter."""

    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="The precision of batches; one document alone is always float32. Auto is bfloat16 if the "
        "processor has it and no score of sample texts moves by more than 1 % of their range.",
    )
    max_tokens: int | None = Field(
        None,
        gt=0,
        description="Tokens that are read of a query and a document together, if fewer than the model can.",
    )
    max_batch_tokens: int = Field(
        16_384,
        ge=1,
        description="The most tokens, padding included, that go through the model at once. A batch also has "
        "at most 20 times its fixed cost in tokens.",
    )
