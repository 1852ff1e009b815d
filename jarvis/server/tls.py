"""TLS for the gRPC and the HTTP port. Certificates are read again when their files change."""

import logging
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc
from cryptography import x509

from jarvis.address import CannotListen
from jarvis.pem import load_authorities, load_certificate
from jarvis.watched import Watched, described, read_regular

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TLSFiles:
    """PEM files.

    Attributes:
        certificate: the server's certificate, and those of the authorities between it and the root.
        key: the private key of `certificate`, without a passphrase.
        client_ca: the authorities that sign callers' certificates; None if callers need none.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True)
class _Loaded:
    """What was read from the files at one time."""

    grpc: grpc.ServerCertificateConfiguration
    http: ssl.SSLContext
    validity: tuple[datetime, datetime]


class Certificates:
    """The certificates in force: those in the files, or while these do not fit together, those from before.

    Files are looked at in each handshake; connections that are open stay as they are.

    Args:
        files: the files.

    Raises:
        CannotListen: a file cannot be read, or they do not fit together, or the certificate has expired.
    """

    def __init__(self, files: TLSFiles) -> None:
        self._files = files
        try:
            self._loaded = Watched(self._paths(), self._load)
        except (OSError, ValueError) as error:
            raise CannotListen(f"server.tls: {described(error)}") from None
        if (until := self.validity[1]) < datetime.now(UTC):
            raise CannotListen(f"server.tls: the certificate in {files.certificate} expired at {until}")

    @property
    def know_callers(self) -> bool:
        """Whether callers are to show a certificate."""
        return self._files.client_ca is not None

    @property
    def validity(self) -> tuple[datetime, datetime]:
        """From when and until when the server's certificate is valid."""
        return self._loaded.current().validity

    def for_grpc(self) -> grpc.ServerCredentials:
        """Return the credentials of gRPC ports; callers must show a certificate if there is a `client_ca`."""
        shown = self._loaded.current()

        def changed() -> grpc.ServerCertificateConfiguration | None:
            nonlocal shown
            before, shown = shown, self._loaded.current()
            return None if shown is before else shown.grpc

        return grpc.dynamic_ssl_server_credentials(
            shown.grpc,
            changed,  # type: ignore[arg-type] # None stands for no change
            require_client_authentication=self.know_callers,
        )

    def for_http(self) -> ssl.SSLContext:
        """Return the context of an HTTP port; callers may show a certificate if there is a `client_ca`."""
        context = self._loaded.current().http

        def choose(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            connection.context = self._loaded.current().http

        context.sni_callback = choose
        return context

    def _paths(self) -> list[Path]:
        files = self._files
        return [files.certificate, files.key, *([files.client_ca] if files.client_ca else [])]

    def _load(self) -> _Loaded:
        """Read the files.

        Raises:
            OSError, ValueError: a file cannot be read or used; the message names it.
        """
        certificate, key, *authorities = [read_regular(path) for path in self._paths()]
        validity = _validity(self._files.certificate, certificate)
        context = self._context()
        config = grpc.ssl_server_certificate_configuration([(key, certificate)], *authorities)
        logger.info("the certificate in %s is valid until %s", self._files.certificate, validity[1])
        return _Loaded(config, context, validity)

    def _context(self) -> ssl.SSLContext:
        files, context = self._files, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Or a session would be taken up again, whoever signs certificates by then.
        context.minimum_version, context.num_tickets = ssl.TLSVersion.TLSv1_3, 0
        load_certificate(context, files.certificate, files.key)
        if files.client_ca:
            load_authorities(context, files.client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
        return context


def _validity(path: Path, certificate: bytes) -> tuple[datetime, datetime]:
    """Return from when and until when a certificate is valid.

    Raises:
        ValueError: it is none, or is not valid yet.
    """
    try:
        first = x509.load_pem_x509_certificates(certificate)[0]
    except (ValueError, x509.InvalidVersion) as error:
        raise ValueError(f"{path} has no certificate in PEM ({error})") from None
    if (begin := first.not_valid_before_utc) > datetime.now(UTC):
        raise ValueError(f"the certificate in {path} is not valid before {begin}")
    return begin, first.not_valid_after_utc
