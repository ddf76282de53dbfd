"""A list read as its clients read it: page after page."""

from __future__ import annotations

from typing import Any, Protocol


class Page(Protocol):
    def __call__(self, *, after: str | None) -> tuple[list[dict[str, Any]], bool]: ...


def walked(page: Page) -> list[dict[str, Any]]:
    """All items of all pages, each page asked for by the last id of the one before."""
    found: list[dict[str, Any]] = []
    more = True
    while more:
        items, more = page(after=found[-1]["id"] if found else None)
        found += items
    return found
