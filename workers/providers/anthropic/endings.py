"""Why a model stopped and what that cost, in our words. PURE."""

from __future__ import annotations

from typing import Any

from workers.assembly.reading import optional_mapping, optional_text

_INCOMPLETE = {
    "max_tokens": "max_output_tokens",
    "model_context_window_exceeded": "max_output_tokens",
    # of a hosted tool's loop, which only a passed-on field can have asked for
    "pause_turn": "max_output_tokens",
}
REFUSAL = "refusal"
_DECLINED = "The model declined to answer."
_TIERS = {"standard": "default", "priority": "priority"}
_COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


class Tally:
    """The counts as they come: later ones are of the whole, and replace earlier ones."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._thought = 0
        self.tier: str | None = None

    def learn(self, source: dict[str, Any]) -> None:
        usage = optional_mapping(source, "usage")
        for name in _COUNTS:
            if type(usage.get(name)) is int:
                self._counts[name] = usage[name]
        details = usage.get("output_tokens_details")
        thought = details.get("thinking_tokens") if isinstance(details, dict) else None
        if type(thought) is int:
            self._thought = thought
        tier = usage.get("service_tier")
        self.tier = _TIERS.get(tier, self.tier) if isinstance(tier, str) else self.tier

    def usage(self) -> dict[str, Any] | None:
        """None where nothing was counted."""
        if not self._counts:
            return None
        fresh, made, read, written = (self._counts.get(name, 0) for name in _COUNTS)
        return {
            "input_tokens": fresh + read + written,
            "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
            "output_tokens": made,
            "output_tokens_details": {"reasoning_tokens": self._thought},
            "total_tokens": fresh + read + written + made,
        }


def ended(stop_reason: str) -> dict[str, Any]:
    """The status of a Response, and its reason."""
    reason = _INCOMPLETE.get(stop_reason)
    if reason is None:
        return {"status": "completed"}
    return {"status": "incomplete", "incomplete_details": {"reason": reason}}


def refusal_words(delta: dict[str, Any]) -> str:
    details = delta.get("stop_details")
    return (optional_text(details, "explanation") if isinstance(details, dict) else None) or _DECLINED
