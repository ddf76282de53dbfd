"""The fields of a Response that its upstream resolves: which model, which tier, which defaults. PURE.

What an upstream's own Response objects say is absorbed as it comes; everything that is ours to say
(ids, times, storage, ownership, output) is never taken from it, and a null says nothing.
"""

from __future__ import annotations

from typing import Any

# Ours alone, or settled at the end by rules of their own.
_NEVER = frozenset(
    {
        "id",
        "object",
        "created_at",
        "completed_at",
        "status",
        "store",
        "background",
        "previous_response_id",
        "conversation",
        "metadata",
        "provider",
        "user",
        "safety_identifier",
        "prompt_cache_key",
        "instructions",
        "tools",
        "max_tool_calls",
        "prompt",
        "output",
        "output_text",
        "error",
        "usage",
        "incomplete_details",
        "sequence_number",
        "type",
    }
)
_NUMBER = (int, float)
_TYPES: dict[str, tuple[type, ...]] = {
    "model": (str,),
    "temperature": _NUMBER,
    "top_p": _NUMBER,
    "presence_penalty": _NUMBER,
    "frequency_penalty": _NUMBER,
    "top_logprobs": (int,),
    "max_output_tokens": (int,),
    "service_tier": (str,),
    "truncation": (str,),
    "prompt_cache_retention": (str,),
    "tool_choice": (str, dict),
    "parallel_tool_calls": (bool,),
    "text": (dict,),
    "reasoning": (dict,),
}


class Echo:
    """What the upstream has resolved so far, over our own envelope."""

    def __init__(self, envelope: dict[str, Any]) -> None:
        self._envelope = envelope
        self.resolved: dict[str, Any] = {}

    def absorb(self, response: dict[str, Any]) -> None:
        for key, value in response.items():
            if key not in _NEVER and value is not None and _fits(key, value):
                self.resolved[key] = self._filled(key, value)

    def _filled(self, key: str, value: Any) -> Any:
        if key == "text":
            return _text(self._envelope.get("text") or {"format": {"type": "text"}}, value)
        if key == "reasoning":
            return {"effort": None, "summary": None, **value}
        return value


def _text(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Our keys stay where theirs are missing or null; a format of another kind was not asked for."""
    said = {name: part for name, part in theirs.items() if part is not None}
    asked, given = ours["format"], said.pop("format", None)
    if isinstance(given, dict) and given.get("type") == asked.get("type"):
        said["format"] = asked | {name: part for name, part in given.items() if part is not None}
    return ours | said


def _fits(key: str, value: Any) -> bool:
    """A value of the wrong type says nothing either: ours stays."""
    expected = _TYPES.get(key)
    if expected is None:
        return True
    if isinstance(value, bool) and bool not in expected:
        return False
    return isinstance(value, expected) and value != ""
