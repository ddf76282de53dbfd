"""What a request asks of the scripted upstream besides an answer: pace, shape, faults, quirks.

Read from the model's name: `mock-n50-i5-l20` (50 words, 5 ms apart, 20 ms before the first byte),
and after the first `!` `fault=NAME[:arg]&quirk=NAME&pace=MS&words=N`. Unknown words are refused
loudly, so that a misspelt fault cannot pass for a healthy upstream. PURE.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import unquote

FAULTS = frozenset(
    (
        *("refuse", "html", "redirect", "wrong_content_type", "gzip_bomb", "short_length"),
        *("stall_before_headers", "stall_after_headers", "stall_mid", "comments_only", "drip"),
        *("reset", "cut", "truncate", "garbage", "bad_utf8", "nul", "surrogate", "bom"),
        *("crlf", "cr", "no_space", "big_event", "dup_terminal", "after_terminal"),
        *("error_event", "failed", "missing_created", "content_filter", "refusal"),
    )
)
QUIRKS = frozenset(
    (
        *("no_sequence", "foreign_ids", "no_ids", "no_done", "no_event_lines", "small_envelope"),
        *("no_added_parts", "no_usage", "null_deltas", "json_answer", "one_chunk", "byte_chunks"),
        *("done_marker", "seq_jumps", "unknown_events", "other_final", "comments", "cached"),
    )
)
CHAT_QUIRKS = frozenset(
    (
        *("no_index", "zero_index", "whole_calls", "usage_in_finish", "usage_always", "reasoning_key"),
        *("error_choice", "stop_for_calls"),
    )
)
MESSAGES_QUIRKS = frozenset(("redacted", "small_usage"))
_ALL_QUIRKS = QUIRKS | CHAT_QUIRKS | MESSAGES_QUIRKS
_BREAKS = ("stall_mid", "reset", "cut", "truncate")
_MOCK = re.compile(r"mock(?:-[nil]\d+)*\Z")
_MOCK_WORDS = 20
_DEMO_INTERVAL = 0.03  # seconds


@dataclass(frozen=True)
class Directives:
    base: str
    mock: bool = False  # words of a fixed list instead of an answer
    words: int | None = None
    interval: float = 0.0  # seconds between words
    first_byte: float = 0.0  # seconds before the first byte
    faults: Mapping[str, str] = field(default_factory=dict)
    quirks: frozenset[str] = frozenset()

    def number(self, fault: str, default: int) -> int:
        return int(self.faults[fault] or default)

    @property
    def breaks(self) -> str | None:
        """The fault, if any, that breaks the connection after some words."""
        return next((name for name in _BREAKS if name in self.faults), None)


@lru_cache(maxsize=1024)
def read_model(name: str) -> Directives:
    """Raises ValueError when the suffix cannot be understood."""
    base, _, suffix = name.partition("!")
    return override(_pace_of(base), suffix)


def override(directives: Directives, suffix: str) -> Directives:
    """The same with the faults, quirks and pace of one more suffix."""
    faults, quirks = dict(directives.faults), set(directives.quirks)
    words, interval = directives.words, directives.interval
    for part in filter(None, suffix.split("&")):
        kind, value = _split(part)
        name, _, arg = value.partition(":")
        if kind == "words":
            words = int(arg or value)
        elif kind == "pace":
            interval = int(arg or value) / 1000
        elif kind == "fault" and name in FAULTS:
            faults[name] = _checked(name, unquote(arg))
        elif kind == "quirk" and name in _ALL_QUIRKS:
            quirks.add(name)
        else:
            raise ValueError(f"unknown directive {part!r}")
    return replace(directives, words=words, interval=interval, faults=faults, quirks=frozenset(quirks))


def _split(part: str) -> tuple[str, str]:
    """`quirk=words:5`, `words:5` and `words=5` say the same."""
    kind, equals, value = part.partition("=")
    if not equals:
        kind, _, value = part.partition(":")
    if kind in ("quirk", "fault") and value.partition(":")[0] in ("words", "pace"):
        kind = value.partition(":")[0]
    return kind, value


def _checked(name: str, arg: str) -> str:
    if name in ("refuse", "html"):
        int(arg.partition(":")[0])
    elif name not in ("redirect", "wrong_content_type") and arg:
        int(arg)
    return arg


def _pace_of(base: str) -> Directives:
    if base == "demo":
        return Directives(base, interval=_DEMO_INTERVAL)
    if not _MOCK.match(base):
        return Directives(base)
    parts = {part[0]: int(part[1:]) for part in base.split("-")[1:]}
    return Directives(
        base,
        mock=True,
        words=parts.get("n", _MOCK_WORDS),
        interval=parts.get("i", 0) / 1000,
        first_byte=parts.get("l", 0) / 1000,
    )
