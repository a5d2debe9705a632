"""Where a server is asked, and what a request must bring: address, key, certificate."""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seqctx.config.config import Config
from seqctx.config.render import api_key
from seqctx.errors import InputError
from seqctx.system.atomic import explain_os_errors

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Address:
    """One server, as it is asked.

    Attributes:
        url: its root, such as ``http://127.0.0.1:8000``.
        key: what it wants to be shown; None where it asks for none.
        certificate: the file that it shows itself, over TLS.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    certificate: str | None = None

    def client(self, seconds: float) -> httpx.Client:
        """A client for it that waits so long for an answer [s].

        Raises:
            InputError: when the url is none, or the certificate cannot be read.
        """
        import httpx

        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            return httpx.Client(
                base_url=self.url, timeout=seconds, trust_env=False, headers=headers,
                verify=_trusting(self.certificate) if self.certificate else True,
            )  # fmt: skip
        except (httpx.InvalidURL, UnicodeError) as error:
            raise InputError(f"{self.url}: no address ({error}). Check it.") from None


def _trusting(certificate: str) -> ssl.SSLContext:
    """Trust in just this certificate, whoever signed it and whatever host it names.

    Raises:
        InputError: when it cannot be read.
    """
    with explain_os_errors(certificate):
        try:
            context = ssl.create_default_context(cafile=certificate)
        except ssl.SSLError as error:
            raise InputError(f"{certificate}: no certificate ({error.reason}).") from None
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def address_of(cfg: Config) -> Address:
    """The server of a file, as this machine can reach it.

    Raises:
        InputError: when its key is none that a request can carry.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(cfg.vllm.host, cfg.vllm.host)
    host = f"[{host}]" if ":" in host else host
    certificate = cfg.vllm.get("ssl_certfile")
    scheme = "https" if certificate else "http"
    return Address(f"{scheme}://{host}:{cfg.vllm.port}", key_for(cfg), certificate)


def address_at(url: str, cfg: Config | None = None, certificate: str | None = None) -> Address:
    """The server at a url, its root or ``/v1``.

    Args:
        url: such as ``http://127.0.0.1:8000``.
        cfg: what is served there, for its key; None where it is not known.
        certificate: what it shows, over TLS.

    Raises:
        InputError: as `key_for`.
    """
    return Address(url.rstrip("/").removesuffix("/v1"), key_for(cfg), certificate)


def key_for(cfg: Config | None) -> str | None:
    """The key of a file, else of ``VLLM_API_KEY``; None where neither has one.

    Raises:
        InputError: when it is none that a request can carry.
    """
    place, key = "vllm.api_key", api_key(cfg) if cfg else None
    if key is None:
        place, key = "VLLM_API_KEY", os.environ.get("VLLM_API_KEY", "")
    key = key.strip()
    if not re.fullmatch(r"[ -~]*", key):
        raise InputError(f"{place}: has characters that no request can carry. Use ASCII.")
    return key or None
