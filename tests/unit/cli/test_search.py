"""`jarvis search`, on a server with the stand-ins."""

import asyncio
import json

import pytest

from jarvis.client import BlockingClient, Document


@pytest.fixture
async def address(start):
    def fill(address):
        with BlockingClient(address) as client:
            client.retrieval.create_collection("default")
            documents = [
                Document(
                    "/d/red.md", b"A red house\nstands on the hill.", metadata={"lang": "en", "year": 2020}
                ),
                Document("/d/casa.md", b"Una casa\x1b[31m roja.", metadata={"lang": "es", "year": 2021}),
            ]
            list(client.retrieval.ingest("default", documents))

    async with start() as server:
        await asyncio.to_thread(fill, server.instance.addresses[0])
        yield server.instance.addresses[0]


async def test_hits_are_shown_with_their_place_and_their_first_lines(address, run):
    code, out, err = await run("search", "red house", "--server", address, "--top-k", "1")
    assert (code, err) == (0, "")
    head, *text = out.splitlines()
    assert head.startswith("1. 0.0328 (similarity ")
    assert head.endswith(" /d/red.md:0-31")
    assert text == ["   A red house", "   stands on the hill."]


async def test_a_document_does_not_steer_the_terminal(address, run):
    _, out, _ = await run("search", "casa", "--server", address, "--top-k", "1")
    assert "   Una casa\\x1b[31m roja." in out


async def test_json_has_everything(address, run):
    _, out, _ = await run("search", "red house", "--server", address, "--mode", "sparse", "--json")
    found = json.loads(out)
    assert found["mode"] == "sparse"
    assert found["hits"][0]["metadata"] == {"lang": "en", "year": 2020}
    assert found["hits"][0]["source"]["source"] == "/d/red.md"


@pytest.mark.parametrize(
    ("filters", "sources"),
    [
        (["lang=es"], ["casa"]),
        (["lang=es", "year=2020"], []),
        (["year=2020"], ["red"]),
        (['year="2020"'], []),
        (['{"range": {"field": "year", "gt": 2020}}'], ["casa"]),
    ],
)
async def test_filters(address, run, filters, sources):
    options = [part for filter_ in filters for part in ("--filter", filter_)]
    _, out, _ = await run("search", "red casa", "--server", address, "--json", *options)
    assert [hit["source"]["source"] for hit in json.loads(out)["hits"]] == [f"/d/{s}.md" for s in sources]


async def test_a_reranker_orders_hits_unless_that_is_not_wanted(start, run):
    async with start("reranker.adapter=overlap") as server:
        address = server.instance.addresses[0]

        def fill():
            with BlockingClient(address) as client:
                client.retrieval.create_collection("default")
                list(client.retrieval.ingest("default", [Document("/d/red.md", b"A red house.")]))

        await asyncio.to_thread(fill)
        _, reranked, _ = await run("search", "red house", "--server", address)
        _, plain, _ = await run("search", "red house", "--server", address, "--no-rerank")
        _, told, _ = await run("search", "red house", "--server", address, "--rerank", "--json")
    assert plain.startswith("1. 0.0328 (similarity ")
    found = json.loads(told)
    assert found["reranked"]
    assert reranked.startswith(f"1. {found['hits'][0]['rerank_score']:.4f} (similarity ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--filter", "nothing"], "'nothing' is neither FIELD=VALUE nor JSON"),
        (["--filter", "{"], "filter: "),
        (["--mode", "fuzzy"], "'fuzzy' is not one of dense, sparse, hybrid"),
        (["--top-k", "0"], "top_k: must be in [1, 1000], got 0"),
        (["--rerank"], "rerank: the server has no reranker: reranker.adapter is none"),
    ],
)
async def test_what_is_wrong_is_named(address, run, arguments, message):
    code, out, err = await run("search", "x", "--server", address, *arguments)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("query", ["", "  \n"])
async def test_a_blank_question_is_refused(address, run, query):
    code, _, err = await run("search", query, "--server", address)
    assert (code, err) == (2, "jarvis: text: is blank: write what to find\n")


async def test_a_question_that_is_too_long_is_cut_off_where_asked_for(address, run):
    long = "red house " * 2000
    code, _, err = await run("search", long, "--server", address)
    assert (code, "truncate" in err) == (2, True)
    code, out, _ = await run("search", long, "--server", address, "--truncate")
    assert (code, "/d/red.md" in out) == (0, True)


async def test_copies_are_one_hit_with_their_places(address, run):
    def fill():
        with BlockingClient(address) as client:
            documents = [Document(f"/d/{n}.md", b"A yellow duck.") for n in range(8)]
            list(client.retrieval.ingest("default", documents))

    await asyncio.to_thread(fill)
    _, out, _ = await run("search", "yellow duck", "--server", address, "--top-k", "1")
    head, *others, more, text = out.splitlines()
    assert head.endswith(" /d/0.md:0-14")
    assert others == [f"   and /d/{n}.md:0-14" for n in range(1, 6)]
    assert (more, text) == ("   and 2 more places", "   A yellow duck.")
    _, out, _ = await run("search", "yellow duck", "--server", address, "--top-k", "1", "--json")
    (hit,) = json.loads(out)["hits"]
    assert [one["source"]["source"] for one in hit["duplicates"]] == [f"/d/{n}.md" for n in range(1, 8)]


async def test_an_unknown_collection(address, run):
    code, _, err = await run("search", "x", "--server", address, "--collection", "nowhere")
    assert code == 2
    assert "no collection 'nowhere'" in err
