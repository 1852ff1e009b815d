"""The settings of vLLM, and what each profile sets."""

from dataclasses import fields
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from jarvis_adapters.vllm.constraints.settings import StructuredOutputSettings
from jarvis_adapters.vllm.long_prompts import WORKERS
from jarvis_adapters.vllm.lora_room import with_empty_place
from jarvis_adapters.vllm.memory import GIB, cpu_demand, gpu_demand, is_cpu_build
from jarvis_adapters.vllm.weights import is_small
from jarvis_plugins import AdapterSettings, MemoryDemand, ModelRef
from jarvis_ports.extras import how_to_install

PROFILES: dict[str, dict[str, Any]] = {
    "baseline": {"gpu_memory_utilization": 0.85, "max_num_seqs": 16, "enable_prefix_caching": False},
    "optimized": {
        "gpu_memory_utilization": 0.92,
        "max_num_seqs": 64,
        "enable_prefix_caching": True,
        "max_num_batched_tokens": 8192,
    },
}
GPU_PROFILES: dict[str, dict[str, Any]] = {
    "baseline": {},
    "optimized": {"max_num_seqs": 256, "kv_offloading_size": 8.0},
}
"""What each profile adds on a GPU. `kv_offloading_size`, in GiB of host memory, replaced `swap_space`.

With 256 callers, 256 sequences at a time make 1.4 times the tokens/s of 64, and the first token comes after
0.4 s instead of 1.5 s; with 64 callers and fewer, nothing changes (an NVIDIA H200: docs/benchmarks.md).
"""
CPU_DEFAULTS = {"enforce_eager": True, "kv_cache_memory_bytes": 2 * GIB}
"""What every profile adds on a CPU. Compiling needs a compiler, and the cache a fixed size, not a share."""
IMAGES_ALONE = {"limit_mm_per_prompt": {"audio": 0, "video": 0}, "mm_processor_cache_gb": 0.0}
"""What is set for models that see: room for no other media, and no copies of images that were sent.

vLLM's cache of them counts on every prepared request being sent on, and here one may still be refused.
"""
ALIASES = {"swap_space": "kv_offloading_size"}
EXECUTOR = "jarvis_adapters.vllm.cpus.OnCPUs"
"""The path of the executor, which is not imported here because that would import vLLM."""
BINDING = {"distributed_executor_backend", "additional_config"}
"""The engine arguments that bind an engine to CPUs."""
OWN_KEYS = ("model", "dtype", "max_model_len")
BACKEND = "guidance"
"""What holds answers to their form."""
OWN_STRUCTURED = {"backend", "disable_additional_properties"}
"""The fields of `structured_outputs_config` that the setting `structured_output` decides."""


class ParserNames(BaseModel):
    """vLLM's parsers of what a model writes beside text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tools: str = Field(
        "auto",
        description="What reads tool calls: the name of a tool parser of vLLM, such as hermes; `auto` finds "
        "it by the chat template; `none`, and requests with tools are refused.",
    )
    reasoning: str = Field(
        "auto",
        description="What tells reasoning from the answer: the name of a reasoning parser of vLLM, such as "
        "qwen3; `auto` finds it by the chat template; with `none`, reasoning is part of the text.",
    )


class VLLMSettings(AdapterSettings):
    """Settings of the `vllm` adapter."""

    model: ModelRef = Field(description="A catalogue name, a local folder, or a Hugging Face repository id.")
    profile: Literal["baseline", "optimized"] = Field("optimized", description="The settings to start from.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="The type of weights and activations. Auto follows the model, except for small ones on a "
        "CPU, which are computed in float32: vLLM's bfloat16 there changes their answers.",
    )
    max_model_len: int | None = Field(
        None, gt=0, description="Context length in tokens; the model's own if unset."
    )
    step_down: bool = Field(
        default=True,
        description="When memory runs out at start, try again with smaller settings instead of giving up.",
    )
    hang_seconds: float = Field(
        300.0,
        ge=1,
        description="The longest that one step of the engine may take; a long prompt is one step. An engine "
        "that is silent for longer is killed, and is dead (`on_engine_death`).",
    )
    cpus: str | None = Field(
        None,
        pattern=r"^\d+(-\d+)?(,\d+(-\d+)?)*$",
        description="The CPUs that this engine computes on, such as 0-6,8. Left out, all engines of the "
        "server compute on the same ones. For vLLM's CPU build.",
    )
    structured_output: StructuredOutputSettings = Field(
        StructuredOutputSettings(), description="Constraints on the form of answers."
    )
    parsers: ParserNames = Field(ParserNames(), description="What reads tool calls and reasoning in answers.")
    chat_template: Path | None = Field(
        None, description="A file with the chat template, in Jinja; the model's own if unset."
    )
    share_prefixes: bool = Field(
        default=False,
        description="Whether callers that are known by name share what the engine keeps of the beginnings of "
        "prompts. That is faster where these have much in common; but how long an answer takes then tells a "
        "caller what another one has sent of late.",
    )
    engine_args: dict[str, Any] = Field(
        {}, description="Any other field of vLLM's AsyncEngineArgs; it takes precedence over the profile."
    )

    @classmethod
    def missing(cls) -> str:
        """See `AdapterSettings.missing`."""
        if find_spec("vllm"):
            return ""
        return (
            f"vLLM is not installed: with a GPU, {how_to_install('vllm')}; "
            "without one, pip install --no-deps -r requirements/cpu.txt there"
        )

    @field_validator("cpus")
    @classmethod
    def _cpus_are_of_use(cls, cpus: str | None) -> str | None:
        if cpus and not is_cpu_build():
            msg = "the installed vLLM computes on a GPU; leave it out"
            raise ValueError(msg)
        return cpus

    @field_validator("engine_args")
    @classmethod
    def _engine_args_exist(cls, args: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if info.data.get("cpus") and (taken := sorted(args.keys() & BINDING)):
            msg = f"{taken[0]}: cpus sets it; leave one of the two out"
            raise ValueError(msg)
        return checked_engine_args(args) if args else args

    def memory_demand(self) -> MemoryDemand:
        """See `AdapterSettings.memory_demand`: of the GPU, or of the machine if vLLM runs on its CPUs."""
        cpu = is_cpu_build()
        args = engine_args(self, cpu=cpu)
        return cpu_demand(args) if cpu else gpu_demand(args)


def checked_engine_args(args: dict[str, Any]) -> dict[str, Any]:
    """Check names and types against the installed vLLM, and return them with aliases replaced.

    Raises:
        ValueError: a name or type is wrong; the message names the key, and what it should be.
    """
    from vllm.engine.arg_utils import AsyncEngineArgs  # noqa: PLC0415 - takes seconds

    types: dict[str, Any] = {field.name: field.type for field in fields(AsyncEngineArgs)}
    checked = {}
    for given, value in args.items():
        name = ALIASES.get(given, given)
        if name in OWN_KEYS:
            msg = f"{given}: is set beside engine_args, not in it"
            raise ValueError(msg)
        if name == "structured_outputs_config" and not OWN_STRUCTURED.isdisjoint(value):
            msg = f"{given}: structured_output, beside engine_args, says what holds answers to their form"
            raise ValueError(msg)
        if name not in types:
            near = get_close_matches(name, types, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            msg = f"{given}: AsyncEngineArgs of the installed vLLM has no such field{hint}"
            raise ValueError(msg)
        try:
            if name == "structured_outputs_config":
                value = {"backend": BACKEND, **value}  # noqa: PLW2901 - what vLLM allows depends on it
            checked[name] = _type_adapter(types[name]).validate_python(value)
        except ValidationError as error:
            msg = f"{given}: {error.errors()[0]['msg']} (given: {value!r})"
            raise ValueError(msg) from None
    return checked


def _type_adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any type
    try:
        return TypeAdapter(kind, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:  # a dataclass of vLLM's, which has a configuration of its own
        return TypeAdapter(kind)


def engine_args(settings: VLLMSettings, *, cpu: bool) -> dict[str, Any]:
    """Return the arguments for `AsyncEngineArgs`; what the user sets takes precedence."""
    device = CPU_DEFAULTS if cpu else GPU_PROFILES[settings.profile]
    exact = settings.dtype == "auto" and cpu and is_small(Path(settings.model))
    bound = {"distributed_executor_backend": EXECUTOR, "additional_config": {"cpus": settings.cpus}}
    args = {
        "model": settings.model,
        "dtype": "float32" if exact else settings.dtype,
        "max_model_len": settings.max_model_len,
        "scheduling_policy": "priority",  # with first-come-first-served, vLLM ignores a request's priority
        **IMAGES_ALONE,
        **WORKERS,
        **PROFILES[settings.profile],
        **device,
        **(bound if settings.cpus else {}),
        **settings.engine_args,
    }
    if args.get("kv_offloading_size") == 0:
        del args["kv_offloading_size"]  # with 0, vLLM would offload to no memory at all
    return with_empty_place(args, cpu=cpu)
