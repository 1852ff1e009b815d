"""Bounds the repetitions of all calls together, so that they do not multiply an overload."""


class RetryBudget:
    """A bucket of tokens, as gRPC throttles retries.

    A call that the server refuses with a delay takes a token, and one that succeeds puts `token_ratio` of one
    back; while half of the tokens or fewer are left, nothing is repeated. So a server that refuses everything
    gets hardly more than each call once, and repetitions come back with its successes. The defaults are those
    of gRFC A6's example, 10 and 0.1:
    https://github.com/grpc/proposal/blob/master/A6-client-retries.md#throttling-retry-attempts-and-hedged-rpcs
    """

    def __init__(self, max_tokens: int = 10, token_ratio: float = 0.1) -> None:
        """Fill a bucket.

        Args:
            max_tokens: the tokens of a full bucket.
            token_ratio: the part of a token that a success is worth.

        Raises:
            ValueError: one of them is not above 0.
        """
        if not (max_tokens > 0 and token_ratio > 0):
            msg = f"max_tokens and token_ratio must be above 0; got {max_tokens} and {token_ratio}"
            raise ValueError(msg)
        self._max_tokens = max_tokens
        self._token_ratio = token_ratio
        self._tokens = float(max_tokens)

    @property
    def spent(self) -> bool:
        """Whether nothing is repeated now."""
        return self._tokens <= self._max_tokens / 2

    def refused(self) -> None:
        """Take a token for a call that the server refused."""
        self._tokens = max(0.0, self._tokens - 1)

    def succeeded(self) -> None:
        """Put back what a success is worth."""
        self._tokens = min(float(self._max_tokens), self._tokens + self._token_ratio)
