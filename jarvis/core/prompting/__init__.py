"""What a model is told before a conversation, by how difficult that is."""

from jarvis.core.prompting.prompting import Prompting
from jarvis.core.prompting.templates import Template, TemplateText
from jarvis.core.prompting.types import Chosen, Tier

__all__ = ["Chosen", "Prompting", "Template", "TemplateText", "Tier"]
