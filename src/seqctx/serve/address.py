"""How a server is reached: its address, its API key, its certificate."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seqctx.config.api_key import find_api_key
from seqctx.config.config import Config
from seqctx.errors import InputError
from seqctx.system.atomic import explain_os_errors
from seqctx.system.extras import needs_extra

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Address:
    """How one server is reached.

    Attributes:
        url: its root, such as ``http://127.0.0.1:8000``.
        key: the API key that it asks for; None where it asks for none.
        certificate: the certificate file of a server that speaks TLS.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    certificate: str | None = None

    def client(self, seconds: float) -> httpx.Client:
        """An HTTP client for the server that waits so long for an answer [s].

        Raises:
            InputError: when the url is invalid, or the certificate cannot be read.
        """
        with needs_extra("", "serve"):
            import httpx

        if not self.url.startswith(("http://", "https://")):
            raise InputError(
                f"{self.url}: not a valid address. Write it like http://127.0.0.1:8000."
            )
        headers = {"Accept-Encoding": "identity"}  # a few bytes may unpack to gigabytes
        headers |= {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            return httpx.Client(
                base_url=self.url, timeout=seconds, trust_env=False, headers=headers,
                verify=_trusting(self.certificate) if self.certificate else True,
            )  # fmt: skip
        except (httpx.InvalidURL, UnicodeError) as error:
            raise InputError(
                f"{self.url}: not a valid address ({error}). Write it like http://127.0.0.1:8000."
            ) from None


def _trusting(certificate: str) -> ssl.SSLContext:
    """Trust in this certificate only, whoever signed it and whatever host it names.

    Raises:
        InputError: when it cannot be read.
    """
    with explain_os_errors(certificate):
        try:
            context = ssl.create_default_context(cafile=certificate)
        except ssl.SSLError as error:
            raise InputError(
                f"{certificate}: not a certificate ({error.reason}). Name a PEM file."
            ) from None
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def address_of(cfg: Config) -> Address:
    """The address of a file's server, as this machine reaches it.

    Raises:
        InputError: when the API key cannot be sent in a request.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(cfg.vllm.host, cfg.vllm.host)
    host = f"[{host}]" if ":" in host else host
    certificate = cfg.vllm.get("ssl_certfile")
    scheme = "https" if certificate else "http"
    return Address(f"{scheme}://{host}:{cfg.vllm.port}", find_api_key(cfg), certificate)


def address_at(url: str, cfg: Config | None = None, certificate: str | None = None) -> Address:
    """The address of the server at a url.

    Args:
        url: its root, such as ``http://127.0.0.1:8000``, with or without ``/v1``.
        cfg: what is served there, for its key; None where it is not known.
        certificate: the certificate file of a server that speaks TLS.

    Raises:
        InputError: when the API key cannot be sent in a request.
    """
    return Address(url.rstrip("/").removesuffix("/v1"), find_api_key(cfg), certificate)
