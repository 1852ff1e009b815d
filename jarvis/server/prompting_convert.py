"""Between the contract's messages for templates and routes and the domain's types. Pure functions."""

from jarvis.core.generation import Explanation
from jarvis.core.prompting import PromptOptions
from jarvis.core.routing import Routing, RoutingReason
from jarvis.v1 import generation_pb2 as pb
from jarvis_ports.llm import Role

REASONS = {
    RoutingReason.NAMED: pb.ROUTING_REASON_NAMED,
    RoutingReason.ROUTED: pb.ROUTING_REASON_ROUTED,
    RoutingReason.FALLBACK: pb.ROUTING_REASON_FALLBACK,
}
ROLES = {pb.ROLE_SYSTEM: Role.SYSTEM, pb.ROLE_USER: Role.USER, pb.ROLE_ASSISTANT: Role.ASSISTANT}
OF_ROLES = {role: value for value, role in ROLES.items()}


def prompt_options(
    message: pb.GenerateRequest | pb.GenerateStreamRequest | pb.ExplainPromptRequest,
) -> PromptOptions:
    """Read what a request says of its template."""
    return PromptOptions(
        template=message.template if message.HasField("template") else None,
        difficulty=message.difficulty if message.HasField("difficulty") else None,
        variables=dict(message.template_variables),
        language=message.language if message.HasField("language") else None,
    )


def routing(found: Routing) -> pb.Routing:
    """Write how a model was found."""
    skipped = [pb.SkippedModel(model=one.model, reason=one.reason) for one in found.skipped]
    return pb.Routing(route=found.route, reason=REASONS[found.reason], skipped=skipped)


def explanation(found: Explanation) -> pb.ExplainPromptResponse:
    """Write an explanation."""
    prompt, messages = found.prompt, () if isinstance(found.input, str) else found.input
    return pb.ExplainPromptResponse(
        difficulty=prompt.difficulty,
        signals=[pb.Signal(name=one.name, points=one.points, found=one.found) for one in prompt.signals],
        template=prompt.template,
        language=prompt.language,
        messages=[pb.Message(role=OF_ROLES[one.role], content=one.content) for one in messages],
        route=found.route,
        models=found.models,
        model=found.model,
        prompt_tokens=found.prompt_tokens,
    )
