"""One upstream's events in, our events out, and a Response at the end. PURE.

Whatever the upstream leaves out (numbers, ids, `added` and `done` events, most of the envelope) is
supplied here; what is not known is passed through with our numbers and addresses. The stream is always
legal, its deltas concatenate to its `done` texts and to the final object, and where an upstream
contradicts its own deltas, what subscribers have seen wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import UpstreamError
from shared.sse import is_bare_response
from shared.wire import response as wire_response
from shared.wire.makers import signed_event
from workers.assembly import endings, restoring
from workers.assembly.addressing import Addresses
from workers.assembly.echo import Echo
from workers.assembly.listening import Listener
from workers.assembly.reading import invalid, optional_mapping, typed_objects
from workers.assembly.transcript import Transcript

ENCRYPTED_CONTENT = "reasoning.encrypted_content"

_OPENINGS = frozenset({"response.created", "response.queued", "response.in_progress"})
_ENDINGS = frozenset({"response." + status for status in endings.STATUSES})


@dataclass(frozen=True)
class Outcome:
    """How the generation ended, for the row; the terminal event is built from the row."""

    status: str
    response: dict[str, Any]
    items: list[dict[str, Any]]
    usage: dict[str, Any] | None
    error_code: str | None
    error_message: str | None


class Assembler:
    """The stream and the object of one response."""

    def __init__(
        self,
        *,
        response_id: str,
        created_at: float,
        envelope: dict[str, Any],
        next_sequence: int,
        include: frozenset[str],
        maker: str = "",
    ) -> None:
        """`maker`: who is heard; what only they can read again is signed with it (shared/wire/makers)."""
        self._response_id = response_id
        self._created_at = created_at
        self._envelope = envelope
        self._transcript = Transcript(
            response_id=response_id,
            next_sequence=next_sequence,
            show_encrypted=ENCRYPTED_CONTENT in include,
            maker=maker,
        )
        self._addresses = Addresses(self._transcript)
        self._echo = Echo(envelope)
        self._listener = Listener(
            self._transcript,
            self._addresses,
            response_id=response_id,
            snapshot=lambda: self._snapshot("in_progress", output=self.partial()),
        )
        self._begun = False
        self._outcome: Outcome | None = None

    @property
    def outcome(self) -> Outcome | None:
        return self._outcome

    @property
    def next_sequence(self) -> int:
        return self._transcript.next_sequence

    @property
    def progressed(self) -> bool:
        return self._transcript.progressed

    def begin(self) -> list[bytes]:
        """The frame of `response.in_progress`; nothing if it was said already."""
        if not self._begun:
            self._begun = True
            self._transcript.say("response.in_progress", {"response": self._snapshot("in_progress")})
        return self._transcript.take()

    def answered_by(self, fields: Mapping[str, Any]) -> None:
        """From here on the Response says so: another target than its envelope and first events name."""
        self._echo.resolved.update(fields)

    def feed(self, event: dict[str, Any]) -> list[bytes]:
        """Our frames for one upstream event; after the end there are none.

        An event that cannot be understood raises; if frames of it were already numbered they are
        returned instead, and the outcome is set to failed.
        """
        if self._outcome is not None:
            return []
        try:
            self._interpret(signed_event(event, self._transcript.maker))
        except UpstreamError as error:
            frames = self._transcript.take()
            if not frames:
                raise
            self.fail(error.reason, error.message, error.code)
            return frames
        return self._transcript.take()

    def fail(self, reason: str, message: str, code: str = "server_error") -> None:
        """The generation broke off: what was said stands, open items are incomplete."""
        if self._outcome is None:
            self._end("failed", error=wire_response.error_object(code, f"{reason}: {message}"))

    def restore(self, frames: list[bytes]) -> None:
        """Take over from whoever said these frames: any prefix of the log, from its first."""
        self._begun = "response.in_progress" in restoring.fold(self._transcript, frames)
        for item in self._transcript.items:
            self._addresses.bind(item, item.upstream_index, item.upstream_id)

    def partial(self) -> list[dict[str, Any]]:
        """The output so far as its caller may see it."""
        return self._transcript.output()

    def _interpret(self, event: dict[str, Any]) -> None:
        event_type = event.get("type")
        if not isinstance(event_type, str):
            if is_bare_response(event):
                self._end_as_said(event, None)
            elif event.get("error"):
                self._end_by_error_event(event)
            else:
                raise invalid("an event has no type")
        elif event_type in _OPENINGS:
            self._echo.absorb(optional_mapping(event, "response"))
        elif event_type in _ENDINGS:
            self._end_as_said(optional_mapping(event, "response"), event_type)
        elif event_type == "error":
            self._end_by_error_event(event)
        else:
            self._listener.hear(event, event_type)

    def _end_as_said(self, response: dict[str, Any], event_type: str | None) -> None:
        status = endings.ending_status(event_type, response)
        if status not in endings.STATUSES:
            raise invalid("the upstream answered with a response that has not ended")
        output = typed_objects(response, "output")
        self._echo.absorb(response)
        endings.settle_output(self._transcript, self._addresses, output, status)
        usage = wire_response.with_defaults(response.get("usage"))
        if status == "completed":
            self._end(status, usage=usage or wire_response.with_defaults({}))
        elif status == "incomplete":
            self._end(status, usage=usage, details=_incomplete_details(response))
        else:
            code, words = endings.error_said(response)
            error = wire_response.error_object(code, f"upstream_{status}: {words}")
            self._end("failed", usage=usage, error=error)

    def _end_by_error_event(self, event: dict[str, Any]) -> None:
        # Nested under `error`, or flat beside the type: both are in use.
        code, words = endings.error_said(event if event.get("error") else {"error": event})
        self._end("failed", error=wire_response.error_object(code, f"upstream_error: {words}"))

    def _end(
        self,
        status: str,
        *,
        usage: dict[str, Any] | None = None,
        error: dict[str, Any] | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        response = self._snapshot(
            status, output=self.partial(), usage=usage, error=error, incomplete_details=details
        )
        self._outcome = Outcome(
            status=status,
            response=response,
            items=self._transcript.output(private=True),
            usage=usage,
            error_code=error["code"] if error else None,
            error_message=error["message"] if error else None,
        )

    def _snapshot(self, status: str, **changes: Any) -> dict[str, Any]:
        return wire_response.snapshot(
            self._envelope | self._echo.resolved,
            response_id=self._response_id,
            created_at=self._created_at,
            status=status,
            **changes,
        )


def _incomplete_details(response: dict[str, Any]) -> dict[str, Any]:
    """Why it stopped early; an upstream that does not say has run out of tokens."""
    details = response.get("incomplete_details")
    if isinstance(details, dict) and isinstance(details.get("reason"), str):
        return details
    return {"reason": "max_output_tokens"}
