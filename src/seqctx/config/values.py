"""Wrong values in plain English: what pydantic reports, as a fact and a remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from seqctx.catalog.keys import KeyPath
from seqctx.system.secrets import redacted_value

UNUSABLE = "unusable"
"""Type of the errors of `seqctx.config.plain_values`."""
# Facts by pydantic's error type; the braces are filled from its context.
_FACTS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping of keys",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_type": "must be a whole number",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "model_type": "must be a mapping of keys",
    "string_too_short": "must not be empty",
    "string_type": "must be text",
    "string_unicode": "must be valid text",
    "tuple_type": "must be a list",
}


def explain_value(error: ErrorDetails, model: type[BaseModel], path: KeyPath) -> tuple[str, str]:
    """Fact and remedy for one error of validation.

    Args:
        error: one of ``ValidationError.errors()``.
        model: the model of the whole file.
        path: keys and indices from the top.
    """
    kind = error["type"]
    if kind == "missing":
        return "missing", "Add it."
    if kind == "extra_forbidden":
        import difflib  # only for what is misspelled

        known = _keys_of(model, path[:-1])
        close = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
        return "unknown key", f"Did you mean '{close[0]}'?" if close else "Delete it."
    context: Mapping[str, Any] = error.get("ctx", {})
    message = error["msg"].removeprefix("Value error, ")
    fact = _FACTS[kind].format(**context) if kind in _FACTS else message[:1].lower() + message[1:]
    if kind == UNUSABLE and isinstance(error["input"], str):  # the fact names the character
        return fact, "Change the value."
    return f"{fact} (got {clipped_repr(redacted_value(path, error['input']))})", "Change the value."


def _keys_of(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Keys of the block at a path."""
    for key in path:
        field = model.model_fields.get(str(key))
        if field is None or not isinstance(field.annotation, type):
            return []
        model = field.annotation
    return list(model.model_fields)


def clipped_repr(value: Any) -> str:
    """A value as Python writes it, short enough for a line."""
    try:
        text = repr(value) if not isinstance(value, str) else repr(value[:100])
    except (ValueError, RecursionError):  # Python does not write out numbers of 5,000 digits
        return f"a very large {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."
