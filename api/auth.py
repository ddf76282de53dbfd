"""Key to Caller. A key is looked up by its HMAC; a found one is trusted for five seconds."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from shared.errors import Unauthorized
from shared.store.keys import Keys, hash_key

TRUST_SECONDS = 5.0  # how long a revoked key may still work here
_CACHE_SIZE = 10_000
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,256}\Z")


@dataclass(frozen=True, slots=True)
class Caller:
    tenant_id: str
    key_id: str


class Authenticator:
    def __init__(self, keys: Keys, secret_key: str) -> None:
        self._keys = keys
        self._secret_key = secret_key
        self._known: dict[str, tuple[float, Caller]] = {}

    def caller(self, authorization: str | None) -> Caller:
        """Raises Unauthorized, with one and the same answer for every wrong key."""
        if not authorization:
            error = Unauthorized(
                "You didn't provide an API key: send it as `Authorization: Bearer <key>`.",
                code="missing_api_key",
            )
            error.type = "authentication_error"
            raise error
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not _TOKEN.match(token):
            token = ""  # looked up all the same: wrong keys of all kinds take the same time
        digest = hash_key(self._secret_key, token)
        now = time.monotonic()
        known = self._known.get(digest)
        if known is not None and known[0] > now:
            return known[1]
        key = self._keys.find(digest)
        if key is None:
            self._known.pop(digest, None)
            raise Unauthorized("Incorrect API key provided.")
        caller = Caller(key.tenant_id, key.id)
        if len(self._known) >= _CACHE_SIZE:
            self._known.clear()
        self._known[digest] = (now + TRUST_SECONDS, caller)
        return caller
