"""The settings of structured output: how it is made, and how much of it a request may ask for."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class StructuredOutputSettings(BaseModel):
    """The backend of all requests, and the bounds of each."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    backend: Literal["guidance", "none"] = Field(
        "guidance",
        description="What holds answers to their form: llguidance, which honours the most and refuses the "
        "rest; or nothing, and every constraint is refused.",
    )
    max_bytes: int = Field(65_536, gt=0, description="The most bytes of a constraint.")
    max_depth: int = Field(64, gt=0, le=100, description="How deep a JSON schema's text may be nested.")
    max_properties: int = Field(500, gt=0, description="The most properties of a JSON schema, in all.")
    max_enum_items: int = Field(
        2000, gt=0, description="The most choices, and items of enums of a JSON schema in all."
    )
    max_pattern_length: int = Field(
        2000, gt=0, description="The most characters of a regular expression, and of each in a JSON schema."
    )
    compile_seconds: float = Field(
        0.5, gt=0, description="The most CPU time that compiling a constraint may take, in seconds."
    )
