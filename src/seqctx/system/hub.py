"""The model hub: whether it can be reached, before its own client tries for half a minute."""

from __future__ import annotations

import os

_SECONDS = 3.0  # for one connection


def hub_is_reachable() -> bool:
    """Whether the Hugging Face hub takes connections; a proxy counts as a way to it."""
    import socket  # here: most commands never ask
    from urllib.parse import urlsplit
    from urllib.request import getproxies

    if os.environ.get("HF_HUB_OFFLINE") == "1":
        return False
    try:
        from huggingface_hub import constants
    except ImportError:  # it comes with seqctx[prepare]
        return False
    if getproxies():
        return True
    parts = urlsplit(constants.ENDPOINT)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 443), _SECONDS).close()
    except OSError:
        return False
    return True
