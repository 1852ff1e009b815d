"""What vLLM logs of the requests at hand when an engine dies."""

from vllm.logging_utils.dump_input import prepare_object_to_dump
from vllm.sampling_params import SamplingParams, StructuredOutputsParams
from vllm.v1.core.sched.output import NewRequestData

from jarvis_adapters.vllm.dump import leave_out_texts


def test_what_vllm_dumps_of_a_request_has_no_text(monkeypatch):
    for shown in (SamplingParams, StructuredOutputsParams):
        monkeypatch.setattr(shown, "__repr__", shown.__repr__)  # to be put back
    leave_out_texts()
    params = SamplingParams(
        stop=["canary"],
        bad_words=["canary"],
        extra_args={"canary": "canary"},
        structured_outputs=StructuredOutputsParams(regex="canary"),
        max_tokens=7,
    )
    request = NewRequestData("r1", [1], [], params, None, ([0],), 0, None)
    dumped = prepare_object_to_dump(request) + repr(params.structured_outputs)
    assert "canary" not in dumped
    assert "max_tokens=7" in dumped
    assert "r1" in dumped
