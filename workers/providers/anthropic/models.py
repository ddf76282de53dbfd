"""What a model of this dialect takes, told from its name. PURE.

Models differ where the request's shape depends on it: older ones are given a budget of thinking tokens,
later ones an effort; the latest cannot be forced to call a tool. A name that is not one of Claude's is
taken for a server of the dialect's first shape, which they all follow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# claude-3-7-sonnet-20250219, claude-opus-4-6, anthropic/claude-sonnet-4.5, claude-sonnet-4-20250514
_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?")
_UNNUMBERED = re.compile(r"claude-(?:fable|mythos)")
_FIRST_OF_5 = (5, 0)
_STRUCTURED = (4, 5)
_ADAPTIVE = (4, 6)
_UNFORCED = (5, 1)


@dataclass(frozen=True, slots=True)
class Traits:
    adaptive: bool = False  # thinks as much as an effort says, and not by a budget
    structured: bool = False  # can be held to a schema, its answers and its calls alike
    forceable: bool = True  # can be made to call a tool


def traits(model: str) -> Traits:
    version = _version(model.lower())
    if version is None:
        return Traits()
    return Traits(
        adaptive=version >= _ADAPTIVE, structured=version >= _STRUCTURED, forceable=version < _UNFORCED
    )


def _version(name: str) -> tuple[int, int] | None:
    found = _VERSION.search(name)
    if found is not None:
        return int(found.group(1)), int(found.group(2) or 0)
    return _FIRST_OF_5 if _UNNUMBERED.search(name) else None
