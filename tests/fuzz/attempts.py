"""The requests of a fuzz run: the same seed and number make the same request."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from google.protobuf.descriptor import MethodDescriptor

from tests.fuzz.messages import Maker, aim, methods
from tests.fuzz.mutations import HALVES, MUTATIONS
from tests.fuzz.values import SURROGATE

ENDLESS = {"grpc.health.v1.Health.Watch"}
"""Methods whose answers end with the deadline alone."""
RARE = {
    "jarvis.v1.GenerationService.Detokenize",
    "jarvis.v1.GenerationService.ResumeStream",
    "jarvis.v1.ServerService.Abort",
    "jarvis.v1.ServerService.LoadAdapterWeights",
    "jarvis.v1.ServerService.ReloadAdapter",
    "jarvis.v1.ServerService.SleepModel",
    "jarvis.v1.ServerService.WakeModel",
    "jarvis.v1.ServerService.UnloadAdapterWeights",
}
"""Methods that need another request to run at the same time, or a name that no request happens on."""
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HEADERS = [
    ("x-request-id", "fuzz-1"),
    ("x-request-id", ""),
    ("x-request-id", " "),
    ("x-request-id", "a" * 129),
    ("x-request-id", "a" * 20_000),
    ("x-request-id", "../{{ 7 * 7 }}%s"),
    ("traceparent", TRACE),
    ("traceparent", TRACE.upper()),
    ("traceparent", f"ff-{'0' * 32}-{'0' * 16}-zz"),
    ("traceparent", "00" * 5000),
    ("tracestate", "a=b," * 1000),
    ("baggage", "a=%00;b," * 500),
    ("grpc-timeout", "1S"),
    ("grpc-timeout", "-1S"),
    ("grpc-timeout", "99999999999H"),
    ("grpc-timeout", "soon"),
    ("grpc-encoding", "nothing"),
    ("grpc-accept-encoding", "nothing"),
    ("content-type", "text/html"),
    ("te", "gzip"),
    ("x-large", "a" * 40_000),
    ("x-any-bin", bytes(range(256))),
    ("grpc-trace-bin", b"\0" * 100),
    ("grpc-tags-bin", b"\xff" * 100),
]
SHOWN = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer x",
    "Basic dXNlcjpwYXNzd29yZA==",
    "Bearer jarvis_",
    "Bearer jarvis_000000000000_",
    "Bearer jarvis__" + "a" * 20_000,
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
    "Bearer a.b.c",
    "Bearer " + "." * 5000,
    "Bearer {KEY}x",
    "Bearer {KEY} {KEY}",
]
SHARES = [0.05, 0.3, 0.9]
"""The shares of hostile values in requests where more than one field is."""
SOURCES = ["valid", "mutated", "hostile"]


@dataclass(frozen=True)
class Attempt:
    """One request.

    Attributes:
        method: what is called.
        kind: where it comes from, and how it was changed.
        sent: the bytes of its messages.
        metadata: its headers; "{KEY}" stands for a valid key.
        timeout: its deadline in seconds; None for none.
    """

    number: int
    method: MethodDescriptor
    kind: str
    sent: Sequence[bytes]
    metadata: Sequence[tuple[str, str | bytes]]
    timeout: float | None

    @property
    def shows_a_key(self) -> bool:
        """Whether what it shows is one valid key, and nothing else."""
        return [value for key, value in self.metadata if key == "authorization"] == ["Bearer {KEY}"]

    def __str__(self) -> str:
        sent = [f"{one[:300].hex()}{'…' if len(one) > 300 else ''} ({len(one)} bytes)" for one in self.sent]
        headers = [(key, value[:100]) for key, value in self.metadata]
        call = f"#{self.number}: {self.kind} {self.method.full_name}, headers {headers}"
        return f"{call}, timeout {self.timeout}, messages {sent}"


class Attempts:
    """Makes the requests of a seed."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._methods = methods()

    def __getitem__(self, number: int) -> Attempt:
        """Make the request of a number; the methods and the sources take turns."""
        random = Random(f"{self._seed}/{number}")  # noqa: S311 - it has to repeat
        round_, position = divmod(number, len(self._methods))
        method, source = self._methods[position], SOURCES[round_ % len(SOURCES)]
        maker = Maker(random)
        if source == "hostile":
            one_field = aim(method.input_type, random)
            maker = random.choice(
                [Maker(random, 0, one_field)] * 3 + [Maker(random, share) for share in SHARES]
            )
        made = (
            maker.stream(method.input_type) if method.client_streaming else [maker.message(method.input_type)]
        )
        sent = [one.SerializeToString().replace(SURROGATE.encode(), HALVES) for one in made]
        if source == "mutated":
            mutation, at = random.choice(MUTATIONS), random.randrange(len(sent))
            sent[at] = mutation(sent[at], random)
            source = f"mutated ({mutation.__name__})"
        if source == "hostile" and method.client_streaming and random.random() < 0.2:
            random.shuffle(sent)
        if source == "hostile" and not method.client_streaming and random.random() < 0.05:
            sent = sent * random.choice([0, 2])
        metadata = [("authorization", "Bearer {KEY}")]
        if source == "valid" and random.random() < 0.5:
            metadata.append(("x-request-id", "fuzz-1"))
        timeout = 0.2 if method.full_name in ENDLESS else None
        if source == "hostile" and random.random() < 0.4:
            metadata += random.sample(HEADERS, random.randint(1, 2))
            timeout = timeout or random.choice([None, None, 0.001, 0.02, 1e8])
            if random.random() < 0.3:
                metadata[:1] = [("authorization", random.choice(SHOWN)) for _ in range(random.randint(0, 2))]
        return Attempt(number, method, source, sent, metadata, timeout)
