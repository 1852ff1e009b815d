"""What a model is told before a conversation, by how difficult that is."""

from jarvis.core.prompting.prompting import Prompting
from jarvis.core.prompting.templates import BadTemplate, Template
from jarvis.core.prompting.types import Chosen, Tier

__all__ = ["BadTemplate", "Chosen", "Prompting", "Template", "Tier"]
