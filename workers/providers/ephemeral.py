"""Dialects without a background mode: there is no generation to go on with after a break."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from workers.providers.account import not_there
from workers.providers.base import Generation
from workers.providers.http import Call


class KeepsNothing:
    """Asked for something all the same by a row that was made before its account changed its dialect."""

    def resume(
        self, generation: Generation, upstream_id: str, cursor: int, call: Call
    ) -> Generator[dict[str, Any]]:
        raise not_there()

    def retrieve(self, generation: Generation, upstream_id: str, call: Call) -> dict[str, Any]:
        raise not_there()

    def discard(self, upstream_id: str) -> None:
        """Nothing is kept there."""
