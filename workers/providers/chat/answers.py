"""Chunks of a chat completion, or a whole one, as events of the Responses dialect. PURE.

Of several choices only the first is ours. The terminal event waits for the end of the stream, for
usage comes last, if at all. A stream that stops before it says why it stopped gives no terminal event.
"""

from __future__ import annotations

from typing import Any

from workers.assembly.reading import elements, invalid, optional_mapping, optional_text, place
from workers.providers.chat import endings
from workers.providers.chat.calls import Calls
from workers.providers.chat.writer import REASONING, REFUSAL, TEXT, Event, Writer

_REASONING_FIELDS = ("reasoning_content", "reasoning")
_REASONING_DETAILS = ("text", "summary")  # of one router's list; encrypted ones have neither


class Answer:
    """The answer to one request; `custom` names the tools on offer that are no functions."""

    def __init__(self, custom: frozenset[str] = frozenset()) -> None:
        self._writer = Writer()
        self._calls = Calls(self._writer, custom)
        self._reason: str | None = None
        self._begun = False
        self._resolved: dict[str, Any] = {}  # what the server says of model and tier
        self._usage: dict[str, Any] | None = None

    @property
    def finished(self) -> bool:
        """Nothing but its usage can come yet."""
        return self._reason is not None

    def feed(self, chunk: dict[str, Any], event: str | None = None) -> list[Event]:
        """Raises UpstreamError for an error in the stream, or what cannot be understood."""
        # before there is anything to read a model may think where nobody sees it, and that is paid for
        self._begun = self._begun or bool(chunk.get("choices"))
        error = endings.error_in(chunk, event)
        if error is not None:
            raise endings.failure(error, begun=self._begun)
        choices = _objects(chunk, "choices")
        self._usage = endings.usage_in(chunk, choices) or self._usage
        self._resolved |= {key: chunk[key] for key in ("model", "service_tier") if chunk.get(key)}
        for choice in choices:
            if not place(choice, "index"):
                self._choose(choice)
        return self._writer.take()

    def end(self, *, done: bool) -> list[Event]:
        """The stream is over; `done`: it said so itself. No terminal event where it was cut off."""
        if self._reason is None and not (done and self._writer.begun):
            return []
        return self._ended()

    def whole(self, completion: dict[str, Any]) -> list[Event]:
        """All events of an answer that came at once."""
        events = self.feed(completion)
        if not completion.get("choices"):
            raise invalid("the completion has no choices")
        return events + self._ended()

    def _ended(self) -> list[Event]:
        response = endings.terminal(self._reason)
        self._calls.finish(cut=response["status"] != "completed")
        response |= self._resolved
        if self._usage is not None:
            response["usage"] = endings.usage(self._usage)
        return [*self._writer.take(), {"type": f"response.{response['status']}", "response": response}]

    def _choose(self, choice: dict[str, Any]) -> None:
        if "delta" in choice:
            self._hear(optional_mapping(choice, "delta"), choice, whole=False)
        elif not self._writer.begun:
            # a whole message, which some servers send in a stream as well
            self._hear(optional_mapping(choice, "message"), choice, whole=True)
        self._reason = endings.finish_reason(choice) or self._reason

    def _hear(self, delta: dict[str, Any], choice: dict[str, Any], *, whole: bool) -> None:
        self._writer.say(REASONING, _reasoning(delta))
        self._hear_content(delta.get("content"), _logprobs(choice))
        self._writer.say(REFUSAL, optional_text(delta, "refusal") or "")
        for annotation in _objects(delta, "annotations"):
            self._writer.annotate(_annotation(annotation))
        for position, fragment in enumerate(_objects(delta, "tool_calls")):
            self._calls.hear(fragment, position if whole else None)
        if delta.get("function_call"):  # from before there were tools
            self._calls.hear({"index": 0, "function": delta["function_call"]})

    def _hear_content(self, content: Any, logprobs: list[Event]) -> None:
        if isinstance(content, list):
            for part in content:
                kind, text = _part(part)
                self._writer.say(kind, text)
            return
        if content is not None and not isinstance(content, str):
            raise invalid("content is neither text nor parts")
        # the probabilities of a call's tokens come without text, and have no place in a Response
        if logprobs and (content or self._writer.open == "message"):
            self._writer.say(TEXT, content or "", logprobs=logprobs)
        else:
            self._writer.say(TEXT, content or "")


def _reasoning(delta: dict[str, Any]) -> str:
    for name in _REASONING_FIELDS:
        if isinstance(delta.get(name), str) and delta[name]:
            return str(delta[name])
    details = delta.get("reasoning_details")
    texts = [
        detail.get(name)
        for detail in (details if isinstance(details, list) else [])
        for name in _REASONING_DETAILS
        if isinstance(detail, dict)
    ]
    return "".join(text for text in texts if isinstance(text, str))


def _part(part: Any) -> tuple[str, str]:
    """A part of a content that is a list: text, or the thoughts before it."""
    if not isinstance(part, dict):
        raise invalid("a content part is not an object")
    thoughts = part.get("thinking")
    if isinstance(thoughts, list):
        return REASONING, "".join(_part(each)[1] for each in thoughts)
    if isinstance(thoughts, str):
        return REASONING, thoughts
    return TEXT, optional_text(part, "text") or ""


def _logprobs(choice: dict[str, Any]) -> list[Event]:
    given = choice.get("logprobs")
    return _all_logprobs(given.get("content") if isinstance(given, dict) else None)


def _all_logprobs(found: Any) -> list[Event]:
    return [_logprob(each) for each in (found if isinstance(found, list) else []) if isinstance(each, dict)]


def _logprob(given: Event) -> Event:
    """With every key a client reads: servers leave out bytes and alternatives."""
    return {
        "token": given.get("token") or "",
        "logprob": given.get("logprob") or 0.0,
        "bytes": given.get("bytes") or list(str(given.get("token") or "").encode()),
        "top_logprobs": _all_logprobs(given.get("top_logprobs")),
    }


def _annotation(given: Event) -> Event:
    """Chat nests what an annotation says under its type."""
    inner = given.get(str(given.get("type")))
    return {"type": given.get("type"), **inner} if isinstance(inner, dict) else given


def _objects(source: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = elements(source, key)
    if not all(isinstance(each, dict) for each in found):
        raise invalid(f"{key} holds something that is not an object")
    return found
