"""A missing package is named in one line, with the command that installs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from seqctx.errors import InputError


@contextmanager
def needs_extra(extra: str, what: str) -> Iterator[None]:
    """Turn a failed import of an optional package into one line with the remedy.

    Args:
        extra: the extra of seqctx that installs it, such as ``prepare``; empty for a package that
            seqctx itself depends on.
        what: what the caller asked for, such as ``plan --html``.

    Raises:
        InputError: when an import inside the block does not find its package.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "seqctx":  # a mistake of seqctx, not of its user
            raise
        package = f"'seqctx[{extra}]'" if extra else "seqctx"
        raise InputError(
            f"{what}: needs the package {error.name}, which is not installed. "
            f"Run: pip install {package}"
        ) from error


def missing_package(error: ImportError) -> InputError | None:
    """One line with the remedy for a failed import; None where the mistake is seqctx's own.

    The command line uses it for imports that no `needs_extra` covers.
    """
    package = (error.name or "").partition(".")[0]
    if package == "seqctx":
        return None
    if isinstance(error, ModuleNotFoundError):
        fact = f"{package or error}: this package is not installed"
    else:
        fact = f"{package or 'import'}: this package cannot be loaded ({error})"
    return InputError(f"{fact}. Run: pip install --upgrade 'seqctx[all]'")
