"""What an account's fields must obey beyond their types. PURE.

A broken rule says what to write instead, and never repeats a value: it may be a secret.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

from shared.catalog.dialects import Dialect

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VALUE = re.compile(r"[\x20-\x7e]*\Z")
# what frames a request, or is told apart by each of them
_OURS = frozenset(
    {
        "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type",
        "idempotency-key", "te", "trailer", "transfer-encoding", "upgrade", "x-client-request-id",
    }
)  # fmt: skip


def broken(said: str) -> PydanticCustomError:
    return PydanticCustomError("rule", "{said}", {"said": said})


def base_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise broken("must begin with http:// or https://")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not _VALUE.match(value) or " " in value:
        raise broken("is not a URL")
    if parts.username is not None or parts.password is not None:
        raise broken("must hold no credentials: they belong in `api_key`")
    if parts.query or parts.fragment or value.endswith(("?", "#")):
        raise broken("must end before the `?`: what follows it belongs in `query`")
    return value


def is_header_value(value: str) -> bool:
    return _VALUE.match(value) is not None


def header_value(value: str) -> str:
    if not is_header_value(value):
        raise broken("must be printable ASCII on one line")
    if value != value.strip():
        raise broken("has blanks at its ends")
    return value


def check_headers(headers: Mapping[str, str], *, key_header: str | None) -> None:
    """`key_header`: the one that carries the account's key, where it has one."""
    seen = set()
    for name in headers:
        lower = name.lower()
        if not _TOKEN.match(name):
            raise broken("has a name that no HTTP header can have")
        if lower in seen:
            raise broken(f"has '{lower}' twice: capitals make no difference")
        if lower in _OURS:
            raise broken(f"must not have '{lower}': it is set for each request")
        if lower == key_header:
            raise broken(f"must not have '{lower}': the account's key is sent in it")
        seen.add(lower)


def check_features(lacks: Iterable[str], dialect: Dialect) -> None:
    for lack in sorted(lacks):
        if lack not in dialect.features:
            known = ", ".join(sorted(dialect.features)) or "none"
            raise broken(
                f"'{lack}' is no feature of the dialect '{dialect.name}'"
                f"{suggestion(lack, dialect.features)}; its features: {known}"
            )


def models(given: Any) -> Any:
    """A list is a mapping of each name to itself."""
    if isinstance(given, Mapping):
        names, theirs = list(given), list(given.values())
    elif isinstance(given, (list, tuple)):
        names = theirs = list(given)
    else:
        raise broken("must be a list of names, or a mapping of our names to the provider's")
    if not all(isinstance(name, str) and name for name in (*names, *theirs)):
        raise broken("must be names: put what looks like a number in quotes, and write a mapping without `-`")
    return dict(zip(names, theirs, strict=True))


def suggestion(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""
