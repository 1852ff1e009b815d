"""The tiny model as a reranker, where the large one would read for half a minute."""

import pytest

from jarvis.v1 import embedding_pb2

pytestmark = pytest.mark.engine


async def test_what_is_longer_than_the_context_is_refused_or_cut(observed, failure):
    await observed.serving(service="jarvis.v1.EmbeddingService/tiny")
    request = embedding_pb2.RerankRequest(query="When does it leave?", documents=["a", "word " * 3000])
    assert (await failure(observed.embedding.Rerank(request)))[1:3] == ("TEXT_TOO_LONG", ["documents[1]"])
    request.truncate = True
    cut = await observed.embedding.Rerank(request, timeout=60)
    assert {one.index: one.truncated for one in cut.results} == {0: False, 1: True}
