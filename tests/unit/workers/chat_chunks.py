"""Short ways to write chunks of a chat completion, and to hear what they become."""

from __future__ import annotations

from typing import Any

from tests.unit.workers.assembler_events import assembler
from tests.unit.workers.stream_grammar import Reader
from workers.providers.chat.answers import Answer

Chunk = dict[str, Any]


def chunk(delta: Chunk | None = None, reason: str | None = None, **more: Any) -> Chunk:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": reason}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], **more}


def called(**fragment: Any) -> Chunk:
    """One fragment; `name` and `arguments` are the function's."""
    function = {key: fragment.pop(key) for key in ("name", "arguments") if key in fragment}
    return chunk({"tool_calls": [{**fragment, "function": function}]})


def usage(*counts: int, **more: Any) -> Chunk:
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return dict(zip(names, counts, strict=False)) | more


COUNTED = usage(
    7, 5, 12, prompt_tokens_details={"cached_tokens": 3}, completion_tokens_details={"reasoning_tokens": 2}
)


class Heard:
    """What subscribers get of an answer; the grammar is checked on the way."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.events: list[Chunk] = []
        self.assembler = assembler()
        self._reader = Reader()
        self._reader.read(self.assembler.begin())

    def feed(self, *chunks: Chunk) -> Heard:
        for each in chunks:
            self._hear(self.answer.feed(each))
        return self

    def end(self, *, done: bool = True) -> Heard:
        self._hear(self.answer.end(done=done))
        return self

    def whole(self, completion: Chunk) -> Heard:
        self._hear(self.answer.whole(completion))
        return self

    def _hear(self, events: list[Chunk]) -> None:
        self.events += events
        for event in events:
            self._reader.read(self.assembler.feed(event))

    @property
    def response(self) -> Chunk:
        assert self.assembler.outcome is not None
        self._reader.finish()
        return self.assembler.outcome.response

    @property
    def output(self) -> list[Chunk]:
        found: list[Chunk] = self.response["output"]
        return found

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Every item's type and what it says."""
        return [(item["type"], _said(item)) for item in self.output]

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [(item["name"], item["arguments"]) for item in self.output if item["type"] == "function_call"]


def _said(item: Chunk) -> str:
    own = str(item.get("arguments") or item.get("input") or "")
    return own + "".join(part.get("text", part.get("refusal", "")) for part in item.get("content", []))


def heard(*chunks: Chunk, custom: frozenset[str] = frozenset()) -> Heard:
    """A stream that ended with `[DONE]`."""
    return Heard(Answer(custom)).feed(*chunks).end()
