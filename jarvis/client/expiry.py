"""Tells whether a client's certificate has expired: Python's `ssl` shows no dates, but checks them."""

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

from jarvis.pem import load_authorities, load_certificate

if TYPE_CHECKING:
    from jarvis.client.channel import TLS

HAS_EXPIRED = 10
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED."""


def expired(tls: "TLS") -> bool:
    """Return whether the certificate has, by showing it in memory to a server that trusts only it."""
    if not tls.certificate:
        return False
    ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.check_hostname, ours.verify_mode = False, ssl.CERT_NONE
    theirs.verify_mode = ssl.CERT_REQUIRED
    theirs.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        for context in (ours, theirs):
            load_certificate(context, tls.certificate, tls.key)
        load_authorities(theirs, tls.certificate)
        sent, received = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = ours.wrap_bio(received, sent)
        server = theirs.wrap_bio(sent, received, server_side=True)
        for side in (client, server, client, server):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    except ssl.SSLCertVerificationError as error:
        return error.verify_code == HAS_EXPIRED
    except OSError:  # it cannot be read any more
        return False
    return False
