"""Payloads that were legal once: what Hypothesis puts in the place of any value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

JUNK = st.sampled_from([None, 0, -1, 10**30, 1.5, True, "", "x", [], [1], {}, {"type": 1}, [{"type": "x"}]])


def spoil(data: st.DataObject, payload: Any) -> None:
    """One value anywhere inside, in place."""
    holder, key = data.draw(st.sampled_from(list(_spots(payload))))
    holder[key] = data.draw(JUNK)


def _spots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) inside a payload."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        yield value, key
        if isinstance(inner, dict | list):
            yield from _spots(inner)
