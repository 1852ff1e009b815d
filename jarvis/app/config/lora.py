"""Models that are another one with further weights."""

from collections.abc import Mapping, Sequence

from pydantic import Field, ValidationError

from jarvis.app.config.explain import explain
from jarvis.app.config.section import ModelConfig, Section

LORA = "lora"
"""The adapter of a model that is another one with further weights."""


class LoRASettings(Section):
    """The settings of a model with the adapter lora."""

    base: str = Field(description="The model, of these, whose engine gets the weights.")
    path: str = Field(
        min_length=1,
        description="The folder with adapter_config.json and adapter_model.safetensors, as PEFT writes them; "
        "in one of server.weights_folders.",
    )


def lora_settings(model: ModelConfig) -> LoRASettings | None:
    """Return the settings of a model, if its adapter is lora."""
    return LoRASettings.model_validate(model.settings) if model.adapter == LORA else None


def engines(models: Mapping[str, ModelConfig]) -> dict[str, ModelConfig]:
    """Return the models that have an engine of their own."""
    return {name: model for name, model in models.items() if model.adapter != LORA}


def check_loras(models: Mapping[str, ModelConfig], folders: Sequence[str]) -> None:
    """Check what the configuration says of models that are another one with further weights.

    Raises:
        ValueError: it is wrong; the text says what to change.
    """
    others = engines(models)
    for name, model in models.items():
        try:
            settings = lora_settings(model)
        except ValidationError as error:
            raise ValueError(f"{name}.settings.{explain(LoRASettings, error.errors()[0])}") from None
        if settings is None:
            continue
        if settings.base not in others:
            msg = f"is none of the models with an engine of their own ({', '.join(others)})"
            raise ValueError(f"{name}.settings.base: {settings.base!r} {msg}")
        if model.on_engine_death:
            raise ValueError(f"{name}.on_engine_death: it has no engine; {settings.base} says what happens")
        if model.idle_unload_seconds:
            raise ValueError(f"{name}.idle_unload_seconds: it has no engine; set it for {settings.base}")
        if not folders:
            raise ValueError(f"{name}.settings.path: name the folders of weights in server.weights_folders")
