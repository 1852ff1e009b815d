"""Explains in a sentence why a connection failed: gRPC gives the texts of several layers below it."""

from typing import TYPE_CHECKING

from jarvis.client.expiry import expired

if TYPE_CHECKING:
    from jarvis.client.channel import TLS

_HUNG_UP = "what listens there hung up at once; does it want TLS, or a certificate of yours?"
_REFUSED = "does it know the authority of your certificate, and is that still valid?"
_CERTIFICATE_REFUSED = f"what listens there hung up at once; {_REFUSED}"
_EXPIRED = "what listens there hung up at once, and your certificate has expired"
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


def why(told: str, tls: "TLS | None" = None) -> str:
    """Explain gRPC's text about a failed connection; of an unknown text, return the last error in it.

    Args:
        told: gRPC's text.
        tls: what the client has shown, if anything: a server that refuses it hangs up without a word.
    """
    reason = told.rpartition("last error: ")[2]
    sentence = next((sentence for sign, sentence in _SENTENCES if sign in reason), reason)
    if sentence != _HUNG_UP or not (tls and tls.certificate):
        return sentence
    return _EXPIRED if expired(tls) else _CERTIFICATE_REFUSED
