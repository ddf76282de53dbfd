"""A plan told as Chat Completions chunks, and as the whole completion. PURE.

What real servers of this dialect do differently is told here: quirks of ids, indexes, usage and reasoning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from upstream.directives import Directives
from upstream.frames import DONE, OPENING, OTHER, TERMINAL, WORD, Step
from upstream.model import Item, Plan, logprob_of

STOPPED = ("completed", "incomplete")
FAILURE = {"message": "The scripted model failed as it was told to.", "type": "server_error"}

Json = dict[str, Any]


def steps(base: Json, planned: Plan, directives: Directives, *, with_usage: bool) -> Iterator[Step]:
    return _Teller(base, planned, directives, with_usage).steps()


def completion(base: Json, planned: Plan, directives: Directives) -> Json:
    """The plain answer."""
    quirks = directives.quirks
    message: Json = {"role": "assistant", "content": None, "refusal": None}
    logprobs: Json | None = None
    for item in planned.items:
        if item.kind == "function_call":
            calls = message.setdefault("tool_calls", [])
            calls.append(_call(item, item.text, quirks))
            continue
        message[_key(item, quirks)] = item.text
        if item.alternatives is not None:
            logprobs = _logprobs(item, item.pieces)
    reason = _finish_reason(planned, quirks)
    choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": reason}
    counted = {} if "no_usage" in quirks else {"usage": usage(planned)}
    return {**_named(base, quirks), "choices": [choice], **counted}


def usage(planned: Plan, words: int | None = None) -> Json:
    told = planned.words() if words is None else words
    return {
        "prompt_tokens": planned.input_words,
        "completion_tokens": told,
        "total_tokens": planned.input_words + told,
        "prompt_tokens_details": {"cached_tokens": planned.cached[0]},
        "completion_tokens_details": {"reasoning_tokens": min(told, planned.words("reasoning"))},
    }


class _Teller:
    def __init__(self, base: Json, planned: Plan, directives: Directives, with_usage: bool) -> None:
        quirks = directives.quirks
        self._base = _named(base, quirks)
        self._planned = planned
        self._quirks = quirks
        self._always = "usage_always" in quirks
        self._in_finish = "usage_in_finish" in quirks
        silent = "no_usage" in quirks or self._always or self._in_finish
        self._last = with_usage and not silent
        self._words = 0

    def steps(self) -> Iterator[Step]:
        planned = self._planned
        yield Step(OPENING, self._chunk({"role": "assistant", "content": ""}))
        # the calls come last
        texts = [item for item in planned.items if item.kind != "function_call"]
        calls = planned.items[len(texts) :]
        yield from self._texts(texts)
        yield from self._calls(calls)
        if planned.ending not in STOPPED:
            yield Step(TERMINAL, self._failure())
            return
        finish = self._chunk({}, _finish_reason(planned, self._quirks))
        if self._in_finish:
            finish["usage"] = usage(planned)
        yield Step(TERMINAL, finish)
        if self._last:
            yield Step(TERMINAL, {**self._base, "choices": [], "usage": usage(planned)})
        yield Step(DONE, None)

    def _texts(self, items: list[Item]) -> Iterator[Step]:
        for item in items:
            for piece in item.pieces:
                self._words += 1
                chunk = self._chunk({_key(item, self._quirks): piece})
                if item.alternatives is not None:
                    chunk["choices"][0]["logprobs"] = _logprobs(item, [piece])
                yield Step(WORD, chunk)

    def _calls(self, items: list[Item]) -> Iterator[Step]:
        if items and "whole_calls" in self._quirks:
            self._words += 1
            whole = [self._fragment(n, _call(item, item.text, self._quirks)) for n, item in enumerate(items)]
            yield Step(WORD, self._chunk({"tool_calls": whole}))
            return
        for number, item in enumerate(items):
            begin = self._fragment(number, _call(item, "", self._quirks))
            yield Step(OTHER, self._chunk({"tool_calls": [begin]}))
            for piece in item.pieces:
                self._words += 1
                fragment = self._fragment(number, {"function": {"arguments": piece}})
                yield Step(WORD, self._chunk({"tool_calls": [fragment]}))

    def _fragment(self, number: int, told: Json) -> Json:
        if "no_index" in self._quirks:
            return told
        return {"index": 0 if "zero_index" in self._quirks else number, **told}

    def _chunk(self, delta: Json, reason: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        extra: Json = {"usage": None} if self._last else {}
        if self._always:
            extra = {"usage": usage(self._planned, self._words)}
        return {**self._base, "choices": [choice], **extra}

    def _failure(self) -> Json:
        error = {"error": {**FAILURE, "param": None, "code": "server_error"}}
        return {**self._chunk({"content": ""}, "error"), **error} if "error_choice" in self._quirks else error


def _key(item: Item, quirks: frozenset[str]) -> str:
    if item.kind == "reasoning":
        return "reasoning" if "reasoning_key" in quirks else "reasoning_content"
    return "refusal" if item.refuses else "content"


def _call(item: Item, arguments: str, quirks: frozenset[str]) -> Json:
    named = {} if "no_ids" in quirks else {"id": item.call_id}
    return {**named, "type": "function", "function": {"name": item.name, "arguments": arguments}}


def _named(base: Json, quirks: frozenset[str]) -> Json:
    return {key: value for key, value in base.items() if key != "id" or "no_ids" not in quirks}


def _logprobs(item: Item, pieces: list[str]) -> Json:
    told = [logprob_of(piece, item.alternatives or 0) for piece in pieces]
    return {"content": None, "refusal": told} if item.refuses else {"content": told, "refusal": None}


def _finish_reason(planned: Plan, quirks: frozenset[str]) -> str:
    if planned.ending == "incomplete":
        return "content_filter" if planned.reason == "content_filter" else "length"
    called = any(item.kind == "function_call" for item in planned.items)
    return "tool_calls" if called and "stop_for_calls" not in quirks else "stop"
