"""Chooses the template of a request.

The engine's prefix cache serves the part that a prompt shares with an earlier one, from the first byte on.
The template comes first, and its text is the same from call to call. As it changes with the difficulty, that
of a conversation is the difficulty of its hardest question: a short "and why?" does not change what precedes
it. A request that is answered from sources has an instruction of its own, and gets no template automatically:
otherwise, questions of different difficulty about the same sources would share nothing.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial

from jarvis.core.lifecycle.component import Component
from jarvis.core.prompting.templates import Template
from jarvis.core.prompting.types import SelectedPrompt, Tier, has_system_message
from jarvis.core.violations import Violations
from jarvis_ports.difficulty import HARDEST, DifficultyEstimator, Estimate
from jarvis_ports.errors import FieldViolation, InvalidArgument, TemplateNotFound
from jarvis_ports.values import Input, PromptParams, Raw, Role, Signal, TokenIds

logger = logging.getLogger(__name__)

MAX_QUESTIONS = 8
"""The number of the user's latest messages in a conversation whose difficulty is estimated."""
ESTIMATE_SECONDS = 2.0
"""An estimator that takes longer is done without."""


class Prompting:
    """Knows the templates, and which is for which difficulty.

    Args:
        estimator: estimates how difficult a text is; None if nothing does.
        templates: all templates, by name.
        tiers: the ranges of difficulty, from easy to hard; the last has no upper end.
        automatic: whether a conversation gets the template of its difficulty if it names none.
        language: the language of a template if that of the text is unknown.
    """

    def __init__(
        self,
        estimator: Component[DifficultyEstimator] | None,
        templates: Mapping[str, Template],
        tiers: Sequence[Tier],
        *,
        automatic: bool,
        language: str,
    ) -> None:
        self._estimator = estimator
        self._templates = templates
        self._tiers = tiers
        self._automatic = automatic
        self._language = language

    async def choose(
        self, input_: Input, options: PromptParams, *, from_sources: bool = False
    ) -> SelectedPrompt:
        """Choose the prompt of a request, and return it with the difficulty.

        Args:
            input_: the prompt or conversation.
            options: what the request says.
            from_sources: whether it will be answered from sources.

        Raises:
            InvalidArgument: an option is wrong, or does not go with the input.
            TemplateNotFound: there is no template of that name.
        """
        self.check(input_, options, from_sources=from_sources)
        automatic = self._is_automatic(input_, from_sources=from_sources)
        if options.template and options.template not in self._templates:
            raise TemplateNotFound(options.template, list(self._templates))
        estimate = None
        if options.difficulty is None or not (options.language or isinstance(input_, Raw)):
            estimate = await self._estimate(input_)
        difficulty, signals = options.difficulty, tuple[Signal, ...]()
        if difficulty is None and estimate:
            difficulty, signals = estimate.difficulty, estimate.signals
        template = self._template(options.template, difficulty if automatic else None)
        if template is None:
            return SelectedPrompt(difficulty, signals)
        spoken = estimate.language if estimate else None
        language = template.language(options.language, spoken, self._language)
        return SelectedPrompt(
            difficulty,
            signals,
            template.name,
            language,
            template.render(language, options.template_variables),
            named=options.template is not None,
            temperature=template.temperature,
            max_tokens=template.max_tokens,
        )

    def check(self, input_: Input, options: PromptParams, *, from_sources: bool = False) -> None:
        """Check the options except for the template's name; the arguments are those of `choose`.

        Raises:
            InvalidArgument: naming every field that is wrong.
        """
        violations = Violations()
        automatic = self._is_automatic(input_, from_sources=from_sources)
        violations.note(partial(_check, input_, options, automatic=automatic))
        if template := self._templates.get(options.template or ""):
            violations.note(partial(template.language, options.language))
            violations.note(partial(template.check_names, options.template_variables))
        violations.refuse()

    def _is_automatic(self, input_: Input, *, from_sources: bool) -> bool:
        """Return whether the difficulty selects a template if the request names none."""
        has_own = isinstance(input_, Raw) or has_system_message(input_)
        return self._automatic and not (from_sources or has_own)

    def _template(self, name: str | None, difficulty: int | None) -> Template | None:
        """Return the template with this name, or that of the difficulty if no name is given."""
        if name is not None:
            return self._templates[name] if name else None
        if difficulty is None:
            return None
        tier = next(tier for tier in self._tiers if tier.below is None or difficulty < tier.below)
        return self._templates[tier.template]

    async def _estimate(self, input_: Input) -> Estimate | None:
        """Estimate a prompt, or the hardest question of a conversation; return None if nothing can."""
        if self._estimator is None or isinstance(input_, TokenIds):
            return None
        if isinstance(input_, str):
            texts = [input_]
        else:
            said = [message.text for message in input_ if message.role is Role.USER]
            texts = [text for text in said if text][-MAX_QUESTIONS:]
        try:
            async with asyncio.timeout(ESTIMATE_SECONDS):
                estimates = [await self._estimator.port.estimate(text) for text in texts]
        except Exception as error:  # noqa: BLE001 - an answer without a template is better than none
            logger.warning("no estimate of difficulty: %r", error)
            return None
        return max(estimates, key=lambda estimate: estimate.difficulty, default=None)


def _check(input_: Input, options: PromptParams, *, automatic: bool) -> None:
    """Check the options, so that none is silently without effect."""
    found = []
    if options.difficulty is not None and not 0 <= options.difficulty <= HARDEST:
        found.append(FieldViolation("difficulty", f"must be in [0, {HARDEST}], got {options.difficulty}"))
    if options.template and isinstance(input_, Raw):
        found.append(
            FieldViolation("template", "needs messages: a raw prompt is passed to the model as it is")
        )
    elif options.template and has_system_message(input_):
        found.append(FieldViolation("template", "the messages have a system message, which it would become"))
    if options.template_variables and not options.template:
        found.append(FieldViolation("template_variables", "set template as well"))
    if options.language and not options.template and (options.template == "" or not automatic):
        found.append(FieldViolation("language", "it is that of a template, and this request gets none"))
    if found:
        raise InvalidArgument(found)
