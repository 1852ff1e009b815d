import grpc
import pytest
from google.rpc import error_details_pb2

from jarvis.client import FieldViolation, FinishReason, JarvisClient, JarvisClientError


async def fail(fake, **options) -> JarvisClientError:
    async with JarvisClient(fake.address, attempts=1) as client:
        with pytest.raises(JarvisClientError) as caught:
            await client.generate("x", **options)
    return caught.value


async def test_all_details_are_read(fake, retry_after):
    info = error_details_pb2.ErrorInfo(reason="CONTEXT_LENGTH_EXCEEDED", domain="jarvis")
    blame = error_details_pb2.BadRequest(
        field_violations=[{"field": "sampling.max_tokens", "description": "too many"}]
    )
    fake.fail(grpc.StatusCode.INVALID_ARGUMENT, "too long", info, blame, retry_after(1.5))
    error = await fail(fake)
    assert (error.code, error.message, error.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "too long",
        "CONTEXT_LENGTH_EXCEEDED",
    )
    assert error.violations == (FieldViolation("sampling.max_tokens", "too many"),)
    assert error.retry_after == 1.5
    assert str(error) == "too long"


async def test_a_bare_status_has_no_details(fake):
    fake.fail(grpc.StatusCode.INTERNAL, "")
    error = await fail(fake)
    assert (error.message, error.reason, error.violations, error.retry_after) == ("INTERNAL", "", (), None)


async def test_a_delay_of_zero_is_a_delay(fake, retry_after):
    fake.fail(grpc.StatusCode.UNAVAILABLE, "busy", retry_after(0))
    assert (await fail(fake)).retry_after == 0


async def test_the_request_id_is_the_callers_own_or_the_servers(fake):
    fake.fail(grpc.StatusCode.INTERNAL, "no")
    assert (await fail(fake)).request_id == "made-by-server"
    fake.fail(grpc.StatusCode.INTERNAL, "no")
    assert (await fail(fake, request_id="mine")).request_id == "mine"


async def test_a_finish_reason_of_a_newer_contract_is_unknown_and_the_answer_is_there(fake):
    fake.finish_reason = 9
    async with JarvisClient(fake.address, attempts=1) as client:
        answer = await client.generate("x")
    assert answer.reason is FinishReason.unknown()
    assert answer.text
