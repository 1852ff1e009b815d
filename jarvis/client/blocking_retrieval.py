"""The retrieval part of the blocking client."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, Concatenate, ParamSpec, TypeVar

from jarvis.client.retrieval import RetrievalClient

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    method: Callable[Concatenate[RetrievalClient, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["BlockingRetrieval", P], T]:
    def call(self: "BlockingRetrieval", /, *args: P.args, **kwargs: P.kwargs) -> T:
        found: T = self.wait(method(self.client, *args, **kwargs))
        return found

    call.__doc__ = method.__doc__
    return call


def _iterating(
    method: Callable[Concatenate[RetrievalClient, P], AsyncGenerator[T, None]],
) -> Callable[Concatenate["BlockingRetrieval", P], Generator[T, None, None]]:
    def call(self: "BlockingRetrieval", /, *args: P.args, **kwargs: P.kwargs) -> Generator[T, None, None]:
        return self.iterate(method(self.client, *args, **kwargs))

    call.__doc__ = method.__doc__
    return call


class BlockingRetrieval:
    """A `RetrievalClient` whose event loop runs in another thread; methods and arguments are the same.

    Args:
        client: the asynchronous client.
        wait: runs a coroutine in the client's event loop, and returns its result.
        iterate: runs an asynchronous generator in that loop, item by item.
    """

    def __init__(
        self,
        client: RetrievalClient,
        wait: Callable[[Coroutine[Any, Any, Any]], Any],
        iterate: Callable[[AsyncGenerator[Any, None]], Generator[Any, None, None]],
    ) -> None:
        self.client = client
        self.wait = wait
        self.iterate = iterate

    create_collection = _blocking(RetrievalClient.create_collection)
    get_collection = _blocking(RetrievalClient.get_collection)
    collections = _blocking(RetrievalClient.collections)
    delete_collection = _blocking(RetrievalClient.delete_collection)
    check = _iterating(RetrievalClient.check)
    rebuild = _iterating(RetrievalClient.rebuild)
    upsert = _blocking(RetrievalClient.upsert)
    delete = _blocking(RetrievalClient.delete)
    search = _blocking(RetrievalClient.search)
    ingest = _iterating(RetrievalClient.ingest)
    documents = _iterating(RetrievalClient.documents)
    delete_documents = _blocking(RetrievalClient.delete_documents)
