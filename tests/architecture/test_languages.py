"""The contract in other languages: what scripts/languages.sh cannot see, and that breaking it is noticed."""

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileOptions

from jarvis.v1 import embedding_pb2, generation_pb2, retrieval_pb2, server_pb2

PROTOS = Path(__file__).parents[2] / "protos"
OPTIONS = {
    "csharp_namespace",
    "go_package",
    "java_multiple_files",
    "java_outer_classname",
    "java_package",
    "objc_class_prefix",
    "php_namespace",
    "ruby_package",
}


@pytest.fixture(scope="module")
def files():
    """The descriptors of the contract's files."""
    found = []
    for module in (embedding_pb2, generation_pb2, retrieval_pb2, server_pb2):
        found.append(FileDescriptorProto())
        module.DESCRIPTOR.CopyToProto(found[-1])
    assert len(found) == len(list((PROTOS / "jarvis/v1").glob("*.proto")))
    return found


def of_one_package(file: FileDescriptorProto) -> FileOptions:
    options = FileOptions()
    options.CopyFrom(file.options)
    options.ClearField("java_outer_classname")
    return options


def test_every_file_says_where_it_belongs_in_every_language(files):
    for file in files:
        assert {field.name for field, _ in file.options.ListFields()} == OPTIONS, file.name
        assert of_one_package(file) == of_one_package(files[0]), file.name


def classes(file: FileDescriptorProto) -> list[str]:
    """List the classes that Java, Kotlin and C# make of a file, in one package."""
    stem = "".join(word.title() for word in Path(file.name).stem.split("_"))
    outer = file.options.java_outer_classname or stem
    messages = [message.name for message in file.message_type]
    services = [service.name for service in file.service]
    return [
        outer,
        f"{outer}Kt",
        f"{stem}Reflection",
        *messages,
        *(f"{message}OrBuilder" for message in messages),
        *(f"{message}Kt" for message in messages),
        *(enum.name for enum in file.enum_type),
        *services,
        *(f"{service}Grpc" for service in services),
        *(f"{service}GrpcKt" for service in services),
    ]


def test_no_two_classes_have_one_name_also_where_case_does_not_count(files):
    names = Counter(name.lower() for file in files for name in classes(file))

    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize(
    ("file", "released", "changed"),
    [
        ("generation", "repeated string stop = 10;", "repeated string stop = 16;"),
        ("generation", "optional int64 seed = 11;", "optional int32 seed = 11;"),
        ("retrieval", "rpc Search(SearchRequest)", "rpc Find(SearchRequest)"),
        ("server", "STATE_DRAINING = 4", "STATE_STOPPING = 4"),
        ("embedding", 'java_package = "jarvis.v1"', 'java_package = "org.jarvis.v1"'),
        (
            "embedding",
            "optional bool truncate = 5;",
            "optional bool truncate = 5;\n  optional bool more = 99;",
        ),
    ],
    ids=["number", "type", "call", "name of a value", "package of a language", "a new field breaks nothing"],
)
def test_a_change_that_breaks_callers_of_the_last_release_is_refused(tmp_path, file, released, changed):
    folder = shutil.copytree(PROTOS, tmp_path / "protos")
    path = folder / f"jarvis/v1/{file}.proto"
    text = path.read_text()
    assert released in text
    path.write_text(text.replace(released, changed))

    buf = ["buf", "breaking", folder, "--against", PROTOS / "last_release.binpb"]
    done = subprocess.run(buf, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, bool(done.stdout)) == ((0, False) if "99" in changed else (100, True)), done
