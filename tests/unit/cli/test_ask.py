import json
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2

SOURCES = [
    ["SOURCE", "PLACE", "SIMILARITY"],
    ["[1]", "a.md", "3-19", "0.75", "cited"],
    ["[2]", "row"],
]


def table(out):
    """The words of each line below the answer."""
    _, _, below = out.partition("\n\n")
    return [line.split() for line in below.splitlines()]


async def test_the_answer_is_printed_then_its_sources(fake, run):
    code, out, err = await run("ask", "Capital?", "--server", fake.address)

    assert (code, err) == (0, "")
    assert out.startswith("Paris.\n\n")
    *sources, left_out, unknown = table(out)
    assert sources == SOURCES
    assert " ".join(left_out) == "4 more were relevant, and did not fit into the prompt"
    assert " ".join(unknown) == "the answer cites [7], and there is no such source"


async def test_by_default_the_server_chooses_how_to_search(fake, run):
    await run("ask", "Capital?", "--server", fake.address)

    (request,) = fake.requests
    assert request == pb.GenerateStreamRequest(
        messages=[pb.Message(role=pb.ROLE_USER, content="Capital?")],
        retrieval=pb.Retrieval(collection="default"),
    )


async def test_options_reach_the_server(fake, run, monkeypatch):
    monkeypatch.setenv("JARVIS_SERVER", fake.address)
    await run(
        *("ask", "Capital?", "--collection", "docs", "--mode", "dense", "--top-k", "3"),
        *("--min-similarity", "-0.5", "--filter", "lang=en", "--system", "Be brief.", "--model", "m"),
        *("--temperature", "0", "--max-tokens", "9", "--seed", "7"),
    )

    (request,) = fake.requests
    assert [message.role for message in request.messages] == [pb.ROLE_SYSTEM, pb.ROLE_USER]
    assert (request.model, request.sampling) == ("m", pb.SamplingParams(temperature=0, max_tokens=9, seed=7))
    retrieval = request.retrieval
    assert (retrieval.collection, retrieval.top_k, retrieval.min_similarity) == ("docs", 3, -0.5)
    assert retrieval.mode == retrieval_pb2.SEARCH_MODE_DENSE
    (clause,) = retrieval.filter.all_of.clauses
    assert clause.equals == retrieval_pb2.EqualsFilter(
        field="lang", value=retrieval_pb2.Value(string_value="en")
    )


async def test_a_file_below_the_current_folder_is_named_from_there(fake, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sources = [str(tmp_path / "docs" / "a.md"), str(tmp_path.parent / "b.md"), "https://example.org/c"]
    fake.citations = [
        pb.Citation(number=number, source=retrieval_pb2.ChunkSource(source=source, end=9))
        for number, source in enumerate(sources, 1)
    ]
    _, out, _ = await run("ask", "Capital?", "--server", fake.address)

    assert [line[1] for line in table(out)[1:4]] == [str(Path("docs", "a.md")), *sources[1:]]


async def test_the_pages_of_what_has_pages_are_named(fake, run):
    places = [{"first_page": 3, "last_page": 3}, {"first_page": 3, "last_page": 4}, {"start": 5}]
    fake.citations = [
        pb.Citation(number=number, source=retrieval_pb2.ChunkSource(source="a.pdf", end=9, **place))
        for number, place in enumerate(places, 1)
    ]
    _, out, _ = await run("ask", "Capital?", "--server", fake.address)
    shown = [" ".join(line[2:]) for line in table(out)[1:4]]
    assert [place.removesuffix(" cited") for place in shown] == ["p. 3", "pp. 3-4", "5-9"]


async def test_nothing_found_is_said(fake, run):
    fake.citations, fake.left_out = [], 0
    code, out, err = await run("ask", "Capital?", "--collection", "docs", "--server", fake.address)

    assert (code, err) == (0, "")
    assert out == "Paris.\n\nnothing relevant was found in collection 'docs'\n"


async def test_nothing_that_fits_is_not_called_nothing_found(fake, run):
    fake.citations = []
    _, out, _ = await run("ask", "Capital?", "--server", fake.address)

    assert out == "Paris.\n\nnone of the 4 sources that were found fits into the prompt\n"


async def test_json_is_one_document_with_everything(fake, run):
    code, out, err = await run("ask", "Capital?", "--json", "--server", fake.address)

    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert (answer["text"], answer["reason"]) == ("Paris.", "length")
    assert answer["choices"][0]["cited"] == [1]
    assert answer["timings"]["retrieval_seconds"] == 0.125
    assert answer["retrieved"] == {
        "citations": [
            {
                "number": 1,
                "id": "c1",
                "text": "Paris is a city.",
                "score": 0.5,
                "similarity": 0.75,
                "source": {
                    "document_id": "d",
                    "source": "a.md",
                    "start": 3,
                    "end": 19,
                    "first_page": None,
                    "last_page": None,
                },
                "duplicates": [],
            },
            {
                "number": 2,
                "id": "row",
                "text": "Rome too.",
                "score": 0.25,
                "similarity": None,
                "source": None,
                "duplicates": [],
            },
        ],
        "left_out": 4,
        "reranked": False,
    }


@pytest.mark.parametrize("arguments", [[], ["--json"]])
async def test_an_unknown_collection_says_how_to_make_one(fake, run, arguments):
    info = error_details_pb2.ErrorInfo(reason="COLLECTION_NOT_FOUND", domain="jarvis")
    fake.fail(grpc.StatusCode.NOT_FOUND, "no collection 'docs'", info)
    code, out, err = await run("ask", "x", "--collection", "docs", *arguments, "--server", fake.address)

    assert (code, out) == (2, "")
    assert err == "jarvis: no collection 'docs'; jarvis ingest PATH --collection docs makes one\n"


async def test_what_the_server_refuses_is_one_line(fake, run):
    fake.fail(grpc.StatusCode.INVALID_ARGUMENT, "retrieval.top_k: must be in [1, 100], got 0")
    code, out, err = await run("ask", "x", "--top-k", "0", "--server", fake.address)

    assert (code, out, err) == (2, "", "jarvis: retrieval.top_k: must be in [1, 100], got 0\n")


async def test_bad_options_are_refused_before_anything_is_sent(fake, run):
    for arguments, complaint in [
        (["--mode", "fuzzy"], "retrieval.mode: 'fuzzy' is not one of dense, sparse, hybrid"),
        (["--filter", "lang"], "'lang' is neither FIELD=VALUE nor JSON"),
        (["--top-k", "-1"], "retrieval.top_k: must be in [0, 4294967295], got -1"),
    ]:
        code, out, err = await run("ask", "x", *arguments, "--server", fake.address)
        assert (code, out) == (2, "")
        assert complaint in err
    assert fake.requests == []


async def test_after_a_failure_in_the_answer_its_sources_are_printed_and_none_is_cited(fake, run):
    fake.unfinished = 1
    code, out, err = await run("ask", "x", "--server", fake.address)

    assert code == 1
    assert out.startswith("Paris.\n\n")
    assert table(out)[:3] == [[word for word in line if word != "cited"] for line in SOURCES]
    assert err == "jarvis: the stream ended with 1 of its choices unfinished\n"


async def test_a_timeout_reads_like_a_sentence(fake, run):
    fake.hang_after_text = True
    code, _, err = await run("ask", "x", "--timeout", "0.3", "--server", fake.address)

    assert (code, err) == (1, "jarvis: the timeout passed before the answer was complete\n")


async def test_an_answer_that_was_cut_off_says_so(fake, run):
    fake.stream_finish_reason = pb.FINISH_REASON_LENGTH
    code, out, err = await run("ask", "x", "--server", fake.address)

    assert (code, err) == (0, "jarvis: the answer was cut off at the limit of its length\n")
    assert out.startswith("Paris.\n\n")
