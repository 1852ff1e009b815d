import grpc
import pytest

from jarvis.client import (
    Constraint,
    Equals,
    Exists,
    JarvisClientError,
    Message,
    Retrieval,
    Role,
    SearchMode,
    StructuredOutput,
    TokenIds,
)
from jarvis.client.requests import explain_request, generate_call, input_of, tokenize_request, written
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2
from jarvis.wire import generation as wire
from jarvis_ports.values import CountTokensRequest, RenderParams, SamplingParams


def build(prompt, **options):
    return written(wire.generate_request, generate_call(prompt, options))


def explain_prompt_request(prompt, options):
    return written(wire.explain_prompt_request, explain_request(prompt, options))


def tokenize(prompt, model=None, **options):
    return written(wire.tokenize_request, tokenize_request(prompt, model, options))


def count_tokens_request(prompt, model):
    return written(wire.count_tokens_request, CountTokensRequest(input_of(prompt), model))


def test_a_text_is_a_raw_prompt_and_all_else_is_left_out():
    assert build("Once") == pb.GenerateRequest(prompt="Once")


def test_zero_is_sent_and_none_is_left_out():
    request = build("x", temperature=0, seed=None, priority=0, model="")
    assert request.sampling.HasField("temperature")
    assert not request.sampling.HasField("seed")
    assert request.HasField("priority")
    assert request.HasField("model")


def test_messages_are_dicts_or_messages():
    request = build([{"role": "system", "content": "Be brief."}, Message(Role.USER, "Hi")])
    assert [(m.role, m.content) for m in request.messages] == [
        (pb.ROLE_SYSTEM, "Be brief."),
        (pb.ROLE_USER, "Hi"),
    ]
    assert not request.HasField("prompt")


def test_every_sampling_parameter_of_the_contract_is_carried():
    values = dict.fromkeys(SamplingParams.__dataclass_fields__, 1)
    values |= {"stop": ["a", "b"], "logit_bias": {5: -1.5}, "bad_words": ["c"]}
    values |= dict.fromkeys(("ignore_eos", "include_stop", "skip_special_tokens"), True)
    values |= {name: [5] for name in ("stop_token_ids", "allowed_token_ids", "logprob_token_ids")}
    request = build("x", **values)
    assert {field.name for field, _ in request.sampling.ListFields()} == set(
        pb.SamplingParams.DESCRIPTOR.fields_by_name
    )
    assert list(request.sampling.stop) == ["a", "b"]
    assert dict(request.sampling.logit_bias) == {5: -1.5}


def test_one_stop_text_needs_no_list():
    assert list(build("x", stop="END").sampling.stop) == ["END"]


@pytest.mark.parametrize(
    ("output", "sent"),
    [
        (StructuredOutput(Constraint.JSON_SCHEMA, "{}"), pb.StructuredOutput(json_schema="{}")),
        (StructuredOutput(Constraint.REGEX, "a+"), pb.StructuredOutput(regex="a+")),
        (
            StructuredOutput(Constraint.CHOICE, ("a", "b")),
            pb.StructuredOutput(choice=pb.Choices(values=["a", "b"])),
        ),
        (StructuredOutput(Constraint.GRAMMAR, "root ::= x"), pb.StructuredOutput(grammar="root ::= x")),
    ],
)
def test_structured_output(output, sent):
    assert build("x", structured_output=output).structured_output == sent


def test_retrieval_is_carried_whole():
    retrieval = Retrieval("docs", "it", SearchMode.SPARSE, 0, Exists("lang"), -0.5, 9)
    assert build("x", retrieval=retrieval).retrieval == pb.Retrieval(
        collection="docs",
        query="it",
        mode=retrieval_pb2.SEARCH_MODE_SPARSE,
        top_k=0,
        filter=retrieval_pb2.Filter(exists="lang"),
        min_similarity=-0.5,
        max_tokens=9,
    )


def test_what_retrieval_leaves_out_is_left_out():
    assert build("x", retrieval=Retrieval("docs")).retrieval == pb.Retrieval(collection="docs")
    assert not build("x", retrieval=None).HasField("retrieval")


def test_a_search_mode_may_be_its_name():
    retrieval = build("x", retrieval=Retrieval("docs", mode="dense")).retrieval
    assert retrieval.mode == retrieval_pb2.SEARCH_MODE_DENSE


def test_what_the_model_is_told_before_the_prompt_is_carried():
    options = {
        "model": "fast",
        "template": "technical",
        "difficulty": 0,
        "template_variables": {"audience": "novices"},
        "language": "es",
    }
    messages = [{"role": "user", "content": "x"}]
    sent = [pb.Message(role=pb.ROLE_USER, content="x")]
    assert build(messages, **options) == pb.GenerateRequest(messages=sent, **options)
    assert explain_prompt_request(messages, options) == pb.ExplainPromptRequest(messages=sent, **options)


def test_an_empty_template_is_sent_and_none_is_left_out():
    assert build("x", template="").HasField("template")
    left_out = {"template": None, "difficulty": None, "template_variables": None, "language": None}
    assert build("x", **left_out) == pb.GenerateRequest(prompt="x")
    assert explain_prompt_request("x", left_out) == pb.ExplainPromptRequest(prompt="x")


def test_an_option_that_there_is_not_is_a_type_error():
    with pytest.raises(TypeError, match="unknown options: temprature"):
        build("x", temprature=1)
    with pytest.raises(TypeError, match="unknown options: temperature"):
        explain_prompt_request("x", {"temperature": 1})


@pytest.mark.parametrize(
    ("prompt", "options", "field"),
    [
        ("x", {"max_tokens": 2**40}, "sampling.max_tokens"),
        ("x", {"max_tokens": 1.5}, "sampling.max_tokens"),
        ("x", {"logit_bias": {-1: 1.0}}, "sampling.logit_bias"),
        ("x", {"priority": "high"}, "priority"),
        ("x", {"difficulty": 2**40}, "difficulty"),
        ("x", {"difficulty": "hard"}, "difficulty"),
        ("x", {"template": "\udcff"}, "template"),
        ("x", {"template_variables": {"a": 1}}, "template_variables"),
        ("x", {"template_variables": {"a": "\udcff"}}, "template_variables"),
        ("\udcff", {}, "prompt"),
        (TokenIds((-1,)), {}, "prompt_token_ids"),
        ("x", {"truncate_prompt_tokens": -1}, "truncate_prompt_tokens"),
        ("x", {"chat_template_args": {"a": 1}}, "chat_template_args"),
        ([{"role": "user", "content": "\udcff"}], {}, "messages[0].content"),
        ([{"role": "user", "content": 5}], {}, "messages[0].content"),
        ([{"role": "wizard", "content": "x"}], {}, "messages[0].role"),
        ([{"role": "user"}], {}, "messages[0]"),
        ("x", {"retrieval": Retrieval("\udcff")}, "retrieval.collection"),
        ("x", {"retrieval": Retrieval("docs", top_k=-1)}, "retrieval.top_k"),
        ("x", {"retrieval": Retrieval("docs", mode="fuzzy")}, "retrieval.mode"),
        ("x", {"retrieval": Retrieval("docs", filter=Equals("a", 2**63))}, "retrieval.filter.equals.value"),
        ([{"role": "user", "content": "x", "name": "y"}], {}, "messages[0]"),
    ],
)
def test_a_value_that_cannot_be_sent_is_blamed_by_its_path(prompt, options, field):
    with pytest.raises(JarvisClientError) as caught:
        build(prompt, **options)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [v.field for v in caught.value.violations] == [field]
    assert str(caught.value).startswith(f"{field}: ")


def test_count_tokens_takes_the_same_prompts():
    messages = [{"role": "user", "content": "x"}]
    assert count_tokens_request("x", None) == pb.CountTokensRequest(prompt="x")
    request = count_tokens_request(messages, "m")
    assert request.model == "m"
    assert request.messages[0].content == "x"


def test_tokens_are_a_prompt_too():
    assert build(TokenIds((5, 0))) == pb.GenerateRequest(prompt_token_ids=[5, 0])


def test_every_parameter_of_how_a_prompt_becomes_tokens_is_carried():
    options = {
        "truncate_prompt_tokens": 9,
        "add_special_tokens": False,
        "continue_final_message": False,
        "chat_template_args": {"enable_thinking": "false"},
        "add_generation_prompt": True,
    }
    assert options.keys() == RenderParams.__dataclass_fields__.keys()
    assert build("x", **options) == pb.GenerateRequest(prompt="x", **options)
    assert tokenize("x", "m", **options) == pb.TokenizeRequest(prompt="x", model="m", **options)
    assert tokenize("x", **dict.fromkeys(options)) == pb.TokenizeRequest(prompt="x")


def test_an_option_that_tokenize_does_not_have_is_a_type_error():
    with pytest.raises(TypeError, match="unknown options: max_tokens"):
        tokenize("x", max_tokens=1)
