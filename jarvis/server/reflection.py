"""Server reflection, in both versions that clients speak: v1, and v1alpha, which came before it."""

from collections.abc import Iterable

import grpc
from google.protobuf import descriptor_pool, text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection, reflection_pb2

_V1 = reflection.SERVICE_NAME.replace("v1alpha", "v1")


def add_reflection(services: Iterable[str], server: grpc.aio.Server) -> None:
    """Answer reflection requests about these services, and about reflection itself.

    The library knows only v1alpha. The same code serves v1, as the bytes on the wire are the same.
    """
    _describe_v1()
    servicer = reflection.aio.ReflectionServicer([*services, _V1, reflection.SERVICE_NAME])
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for name in (_V1, reflection.SERVICE_NAME):
        server.add_registered_method_handlers(name, {"ServerReflectionInfo": handler})


def _describe_v1() -> None:
    """Add the descriptor of v1, so that reflection can describe itself as well."""
    pool = descriptor_pool.Default()
    described = FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(described)
    v1 = text_format.MessageToString(described).replace("v1alpha", "v1")
    pool.Add(text_format.Parse(v1, FileDescriptorProto()))
