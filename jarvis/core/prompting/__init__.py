"""What a model is told before a conversation, by how difficult that is."""

from jarvis.core.prompting.prompting import Prompting
from jarvis.core.prompting.templates import Template, TemplateText
from jarvis.core.prompting.types import Chosen, PromptOptions, Tier

__all__ = ["Chosen", "PromptOptions", "Prompting", "Template", "TemplateText", "Tier"]
