"""The one abstract interface: a provider takes a request and gives upstream events."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

from workers.providers.http import Call


@dataclass(frozen=True, slots=True)
class Generation:
    """What to generate: the caller's body, and the full list of items in their upstream form."""

    response_id: str
    attempt: int
    model: str  # as the provider calls it
    body: dict[str, Any]
    items: list[dict[str, Any]] | str
    resumable: bool = False  # kept upstream while it runs, so that another connection can go on with it
    own: tuple[dict[str, Any], ...] = ()  # of the items, those of this turn; where somebody tells them apart
    maker: str = ""  # who signs what comes of it (shared/wire/makers)
    kept: bool = False  # its upstream keeps it, so that later turns can build upon its id
    continues: str | None = None  # the upstream's id of the turn before, where that has all but `own`


class Provider(Protocol):
    def stream(self, generation: Generation, call: Call) -> Generator[dict[str, Any]]:
        """Upstream events as they come, in the Responses dialect.

        Raises UpstreamError when the generation cannot go on, LeaseLost when `call` was fenced.
        An end without a terminal event is the caller's to judge.
        """
        ...

    def resume(
        self, generation: Generation, upstream_id: str, cursor: int, call: Call
    ) -> Generator[dict[str, Any]]:
        """The events after `cursor` of a generation that runs, or has run, upstream. Costs nothing."""
        ...

    def retrieve(self, generation: Generation, upstream_id: str, call: Call) -> dict[str, Any]:
        """The upstream's Response object as it is now."""
        ...

    def discard(self, upstream_id: str) -> None:
        """Stop it if it runs, and delete the upstream's copy: as far as that can be done now."""
        ...

    def once(self, endpoint: str, generation: Generation, call: Call) -> dict[str, Any]:
        """One plain call of another endpoint (`compact`, `input_tokens`); its object.

        Raises as `stream`; an upstream that has no such endpoint refuses with its 404.
        """
        ...
