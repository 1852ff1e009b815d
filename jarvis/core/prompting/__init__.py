"""Templates: what a model is told before a conversation, depending on its difficulty."""

from jarvis.core.prompting.prompting import Prompting
from jarvis.core.prompting.templates import Template, TemplateText
from jarvis.core.prompting.types import SelectedPrompt, Tier, has_system_message

__all__ = ["Prompting", "SelectedPrompt", "Template", "TemplateText", "Tier", "has_system_message"]
