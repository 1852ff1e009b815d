"""The building blocks of the configuration's tables."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator


class Section(BaseModel):
    """A table of the file: immutable, and a key that it does not know, inf or nan is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class AdapterConfig(Section):
    """What a port is served by."""

    adapter: str
    settings: dict[str, Any] = Field({}, description="The adapter's own settings.")


class BoundsConfig(Section):
    """What a model takes on."""

    max_running: int | None = Field(
        None,
        ge=1,
        description="How many answers it works on at a time, while other requests wait in a fair order. Left "
        "out: as many as the adapter says.",
    )
    max_requests: int | None = Field(
        None,
        ge=1,
        description="The most requests that run or wait in it; others are refused as OVERLOADED.",
    )
    max_queued_tokens: int | None = Field(
        None, ge=1, description="The most tokens, about, of the prompts that wait for it."
    )


class ModelConfig(BoundsConfig, AdapterConfig):
    """A model that the server offers."""

    adapter: str = Field(
        "vllm",
        description="The LLM adapter that serves it; `jarvis adapters` lists them. Or lora: another "
        "model, in whose engine it is, with further weights.",
    )
    on_engine_death: Literal["exit", "restart"] | None = Field(
        None,
        description="When its engine dies: end the server with exit code 1, or start the engine again. Left "
        "out: exit where it is the only engine, else restart.",
    )
    idle_unload_seconds: float | None = Field(
        None,
        gt=0,
        description="After so many seconds without a request its engine is closed. The next request is told "
        "to come again, or answered by another model of its route, while it loads. Left out: it stays.",
    )
    min_difficulty: int = Field(
        0, ge=0, le=100, description="The lowest difficulty of the questions that routes send to it."
    )
    max_difficulty: int = Field(
        100, ge=0, le=100, description="The highest difficulty of the questions that routes send to it."
    )
    priority: int = Field(
        0,
        description="Of the models of a route that take the difficulty, that with the least is first.",
    )

    @field_validator("max_difficulty")
    @classmethod
    def _not_below_min(cls, most: int, info: ValidationInfo) -> int:
        least = info.data.get("min_difficulty", 0)
        if most < least:
            msg = f"must be at least min_difficulty ({least})"
            raise ValueError(msg)
        return most
