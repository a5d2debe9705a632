"""A plugin for Axolotl that seqctx lists where a file has secrets; see `axolotl_secrets`."""

from __future__ import annotations

import json
import logging
import os
from typing import Any

from axolotl.integrations.base import BasePlugin

from seqctx.system.secrets import environment_secrets, hiding, secret_texts

_VARIABLE = "SEQCTX_AXOLOTL_SECRETS"  # as `axolotl_secrets.PLUGIN_VARIABLE`


class SecretsPlugin(BasePlugin):  # type: ignore[misc]
    """Puts the secrets of a file back into Axolotl's settings, and keeps them out of its log."""

    def register(self, cfg: Any) -> None:
        """Axolotl calls this before it validates its settings, and before it prints them."""
        given = json.loads(os.environ.get(_VARIABLE, "[]"))
        texts = environment_secrets(os.environ)
        for path, value in given:
            *blocks, key = path
            block = cfg
            for name in blocks:
                block = block[name]
            block[key] = value
            texts |= secret_texts({"secret": value})
        _hide_in_log(texts)


def _hide_in_log(texts: set[str]) -> None:
    """Hide texts in every line that is logged from now on, whoever logs it."""
    hide, make = hiding(texts), logging.getLogRecordFactory()

    def make_hidden(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        try:
            record.msg, record.args = hide(record.getMessage()), ()
        except (TypeError, ValueError):  # its arguments do not fit; logging reports that itself
            pass
        return record

    logging.setLogRecordFactory(make_hidden)
