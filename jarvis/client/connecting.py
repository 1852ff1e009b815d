"""Explains in a sentence why a connection failed: gRPC gives the texts of several layers below it."""

_HUNG_UP = "what listens there hung up at once; does it want TLS, or a certificate of yours?"
_REFUSED = "does it know the authority of your certificate, and is that still valid?"
_CERTIFICATE_REFUSED = f"what listens there hung up at once; {_REFUSED}"
_SENTENCES = (
    ("Connection refused", "the connection is refused: nothing listens there; is the server running?"),
    ("No such file or directory", "there is no such socket; is the server running?"),
    ("Permission denied", "this user may not open that socket"),
    ("lookup", "the host's name is not known"),
    ("resolv", "the host's name is not known"),
    ("No route to host", "there is no route to the host"),
    ("Network is unreachable", "its network cannot be reached"),
    ("WRONG_VERSION_NUMBER", "what listens there does not speak TLS"),
    ("CERTIFICATE_VERIFY_FAILED", "the server's certificate is signed by no authority that is trusted here"),
    ("ostname", "the server's certificate is for another name"),
    ("HTTP/2", "what listens there does not speak gRPC, or wants TLS"),
    ("reset by peer", _HUNG_UP),
    ("Socket closed", _HUNG_UP),
    ("handshake", "no TLS connection could be agreed on; does the server speak TLS?"),
    ("imeout", "nothing answers there"),
    ("imed out", "nothing answers there"),
)
_BROKEN = ("Socket closed", "Stream removed", "reset by peer", "Broken pipe", "Cancelling all calls")


def broken(told: str) -> bool:
    """Return whether gRPC's text is about a connection that broke, and not what a server or a proxy says."""
    return any(sign in told for sign in _BROKEN)


def why(told: str, *, certificate: bool = False) -> str:
    """Explain gRPC's text about a failed connection; of an unknown text, return the last error in it.

    Args:
        told: gRPC's text.
        certificate: whether the client has shown one: a server that refuses it hangs up without a word.
    """
    reason = told.rpartition("last error: ")[2]
    sentence = next((sentence for sign, sentence in _SENTENCES if sign in reason), reason)
    return _CERTIFICATE_REFUSED if certificate and sentence == _HUNG_UP else sentence
