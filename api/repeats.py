"""Requests that were accepted before: by their Idempotency-Key, or as an SDK's own repeat.

Both attach to the response that exists instead of paying for another. Without a key only a repeat
that says so (`x-stainless-retry-count`) attaches, and only to a young foreground response of the
same key and body whose waiting client is gone (DESIGN 7.10).
"""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.datastructures import Headers

from api.auth import Caller
from api.relay import Relay
from shared.errors import Gone, InvalidRequest, LogUnavailable
from shared.log import ENDED_SECONDS
from shared.services import Services
from shared.store.rows import ResponseRow, Stored

YOUNG_SECONDS = 900.0
_KEY_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Repeat:
    """What a request says of itself."""

    idempotency_key: str | None = None
    is_retry: bool = False


FIRST = Repeat()


def read_repeat(headers: Headers) -> Repeat:
    """Raises InvalidRequest for a key that is no key."""
    key = headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= _KEY_LENGTH and key.isascii() and key.isprintable()):
        raise InvalidRequest(
            f"'Idempotency-Key' must be 1 to {_KEY_LENGTH} printable ASCII characters.",
            code="invalid_idempotency_key",
            param="Idempotency-Key",
        )
    count = headers.get("x-stainless-retry-count", "")
    return Repeat(key, count.isdigit() and int(count[:9]) >= 1)


class Repeats:
    def __init__(self, services: Services, relay: Relay) -> None:
        self._store = services.store
        self._event_log = services.log
        self._relay = relay

    def accepted(self, response_id: str) -> Stored:
        """The response that an idempotency key has. Raises Gone where it was deleted or wiped."""
        stored = self._store.responses.get(response_id)
        if stored is None or stored.row.deleted_at is not None:
            raise Gone(
                "The response of this Idempotency-Key was deleted.", code="idempotency_response_deleted"
            )
        return stored

    def lost(self, caller: Caller, body_hash: str) -> Stored | None:
        """The response of which this request is the repeat, its waiter from now on."""
        row = self._store.responses.last_like(
            caller.tenant_id, caller.key_id, body_hash, age_seconds=YOUNG_SECONDS
        )
        if row is None:
            return None
        stored = self._store.responses.get(row.id)
        # last: whoever took over and then could not answer would keep the next repeat from attaching
        return stored if stored is not None and self._takes_over(row) else None

    def _takes_over(self, row: ResponseRow) -> bool:
        try:
            waiter = self._event_log.waiter(row.id)
            if waiter is None:
                return self._is_recent(row)
            if waiter and self._event_log.hears(waiter):
                return False
            return self._event_log.pass_waiter(row.id, waiter, self._relay.channel)
        except LogUnavailable:
            return self._is_recent(row)

    def _is_recent(self, row: ResponseRow) -> bool:
        """Whether its log should be there still, so that Redis must have lost it."""
        return row.terminal_at is None or self._store.gauges.now() - row.terminal_at < ENDED_SECONDS
