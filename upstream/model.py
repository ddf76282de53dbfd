"""The deterministic model: an `Ask` in, a `Plan` of output items out. PURE but for random ids.

The same ask always gives the same words. A plan is already cut to its word budget, so streamed and
plain answers, and both dialects, are two ways to tell one plan.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from dataclasses import dataclass, field
from itertools import count, cycle, islice
from typing import Any

import orjson

from upstream.directives import Directives
from upstream.http_server import Request
from upstream.schemas import instance

# Stands for bytes no JSON writer would produce; the frame writer puts the real ones there.
POISON = "\ue000"
_VOCABULARY = (
    *("rivers", "carry", "small", "stones", "toward", "quiet", "harbours", "while", "patient"),
    *("lights", "turn", "over", "every", "wave", "and", "count", "the", "boats", "that", "come"),
    *("home", "before", "the", "evening", "wind"),
)
_WORD = re.compile(r"\s*\S+(?:\s+\Z)?")
_CITY = re.compile(r"\b(?:in|at|for|of)\s+((?:[A-Z][\w'-]*)(?:\s+[A-Z][\w'-]*)*)")
_SEAL_KEY = b"scripted-upstream"
_REFUSAL = "The scripted model was told to refuse, so it will not help with that."
_QUOTED_WORDS = 40
_PIECE = 8  # characters in one "word" of JSON
_MOST_PIECES = 400
_ENDED_BY = (
    ("content_filter", "incomplete", "content_filter"),
    ("failed", "failed", None),
    ("error_event", "error", None),
)
_responses = count(1)


@dataclass
class Tool:
    name: str
    parameters: dict[str, Any]


@dataclass
class Ask:
    """A request of either dialect, reduced to what the model looks at."""

    text: str = ""  # of the last user message
    turn: str = "user"  # whose item came last: user, tool_output or another word
    tool_output: str = ""
    tools: list[Tool] = field(default_factory=list)  # those it may call
    must_call: bool = False
    parallel: bool = True
    schema: Any = None  # the answer must be an instance of it
    reasons: bool = False
    encrypts: bool = False
    max_words: int | None = None
    input_words: int = 0
    shown: str = ""  # images and files of the last user message, in words
    logprobs: int | None = None  # alternatives wanted for each word; None: no log probabilities at all
    request: Request | None = None


@dataclass
class Item:
    kind: str  # reasoning, message or function_call
    id: str
    pieces: list[str]
    name: str = ""
    call_id: str = ""
    sealed: str | None = None
    complete: bool = True
    refuses: bool = False  # a message that is a refusal
    alternatives: int | None = None  # each piece has a log probability, and so many alternatives

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass
class Plan:
    items: list[Item]
    input_words: int
    ending: str  # completed, incomplete, failed, or error: a bare error event
    reason: str | None = None  # why it is incomplete: max_output_tokens or content_filter
    cached: tuple[int, int] = (0, 0)  # of the input: read from a cache, written to one

    def words(self, kind: str | None = None) -> int:
        return sum(len(item.pieces) for item in self.items if kind in (None, item.kind))


class Ids:
    """Ids of one generation: the official form, or short foreign ones."""

    def __init__(self, foreign: bool) -> None:
        self._foreign = foreign
        self._items = count(1)

    def response(self, prefix: str) -> str:
        return f"x{next(_responses)}" if self._foreign else prefix + os.urandom(24).hex()

    def item(self, prefix: str) -> str:
        return f"x{next(self._items)}" if self._foreign else prefix + os.urandom(24).hex()


def plan(ask: Ask, directives: Directives, ids: Ids) -> Plan:
    items = [_reasoning(ask, ids)] if ask.reasons else []
    refuses = "refusal" in directives.faults
    calls = [] if refuses else _calls(ask)
    if calls:
        items += [_call(tool, ask, ids) for tool in calls]
    else:
        pieces = _WORD.findall(_REFUSAL) if refuses else _answer(ask, directives)
        items.append(Item("message", ids.item("msg_"), pieces, refuses=refuses, alternatives=ask.logprobs))
    _poison(items[-1], directives)
    planned = _within_budget(items, ask, directives)
    if "cached" in directives.quirks:
        planned.cached = (ask.input_words // 2, ask.input_words // 3)
    return planned


def seal(item_id: str) -> str:
    """Encrypted content bound to the item's id, as the official API binds it."""
    bound = item_id if item_id.startswith("rs_") else "any"
    digest = hmac.new(_SEAL_KEY, bound.encode(), hashlib.sha256).hexdigest()
    return base64.urlsafe_b64encode(f"{bound}.{digest}".encode()).decode()


def sign(text: str) -> str:
    """The signature of thinking, bound to every letter of it."""
    digest = hmac.new(_SEAL_KEY, b"thinking:" + text.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return base64.b64encode(digest.digest()).decode()


def is_own_seal(sealed: Any, item_id: Any) -> bool:
    try:
        bound = base64.urlsafe_b64decode(sealed).decode().partition(".")[0]
    except (TypeError, ValueError):
        return False
    return sealed == seal(bound) and (bound == "any" or item_id in (None, bound))


def logprob_of(piece: str, alternatives: int) -> dict[str, Any]:
    """A word's log probability, with its alternatives; the same in every dialect."""
    top = [{"token": piece + "~" * n, **_probability(piece + "~" * n, n)} for n in range(alternatives)]
    return {"token": piece, **_probability(piece, 0), "top_logprobs": top}


def _probability(token: str, rank: int) -> dict[str, Any]:
    return {"logprob": -0.25 - rank, "bytes": list(token.encode("utf-8", "replace"))}


def count_words(value: Any) -> int:
    """Words of every text in a value: what the usage calls input tokens."""
    if isinstance(value, str):
        return len(value.split())
    if isinstance(value, list):
        return sum(map(count_words, value))
    if isinstance(value, dict):
        told = ("text", "content", "arguments", "output", "summary")
        return sum(count_words(value[key]) for key in told if key in value)
    return 0


def _reasoning(ask: Ask, ids: Ids) -> Item:
    item_id = ids.item("rs_")
    pieces = _WORD.findall("The user wants an answer, so one is prepared.")
    return Item("reasoning", item_id, pieces, sealed=seal(item_id) if ask.encrypts else None)


def _calls(ask: Ask) -> list[Tool]:
    if not ask.tools or ask.turn == "tool_output":
        return []
    told = ask.text.lower()
    named = [tool for tool in ask.tools if _mentions(told, tool.name)]
    if not (ask.must_call or (ask.turn == "user" and ("weather" in told or named))):
        return []
    if len(named) > 1:
        return named if ask.parallel else named[:1]
    if named:
        return named
    about = [tool for tool in ask.tools if "weather" in tool.name.lower()]
    return (about or ask.tools)[:1]


def _mentions(told: str, name: str) -> bool:
    return name.lower() in told or name.lower().replace("_", " ") in told


def _call(tool: Tool, ask: Ask, ids: Ids) -> Item:
    city = _city(ask.text)
    given = instance({"type": "object", **tool.parameters}, {"location": city, "city": city})
    pieces = _cut(orjson.dumps(given).decode())
    call_id = "call_" + os.urandom(12).hex()
    return Item("function_call", ids.item("fc_"), pieces, name=tool.name, call_id=call_id)


def _city(text: str) -> str:
    found = _CITY.search(text)
    if found:
        return found.group(1)
    capitals = [word.strip(".,!?") for word in text.split()[1:] if word[:1].isupper() and len(word) > 2]
    return capitals[-1] if capitals else "Paris"


def _answer(ask: Ask, directives: Directives) -> list[str]:
    if ask.schema is not None:
        return _cut(orjson.dumps(instance(ask.schema)).decode())
    if ask.request is not None and ask.text.strip() in ("echo request", "echo headers"):
        return _cut(_echo(ask.text.split()[1], ask.request))
    if directives.words is not None:
        return list(islice(_endless(), directives.words))
    if ask.turn == "tool_output":
        said = f"The tool answered: {_quote(ask.tool_output)}. That is all there is to say about it."
        return _WORD.findall(said)
    return _WORD.findall(
        f"You said: {_quote(ask.text).rstrip('.')}. {ask.shown}This answer comes from a scripted upstream, "
        "which replies in the same way every time. It sends one word after another, so that a client can "
        "watch them arrive."
    )


def _echo(what: str, request: Request) -> str:
    if what == "request":
        return "ECHO " + request.body.decode("utf-8", "replace")
    head = {"path": request.path, "query": request.query, "headers": request.headers}
    return "HEADERS " + orjson.dumps(head).decode()


def _endless() -> Any:
    yield _VOCABULARY[0]
    yield from (" " + word for word in islice(cycle(_VOCABULARY), 1, None))


def _quote(text: str) -> str:
    words = text.split()
    return " ".join(words[:_QUOTED_WORDS]) + (" …" if len(words) > _QUOTED_WORDS else "")


def _cut(text: str) -> list[str]:
    size = max(_PIECE, -(-len(text) // _MOST_PIECES))
    return [text[start : start + size] for start in range(0, len(text), size)]


def _poison(item: Item, directives: Directives) -> None:
    if directives.faults.keys() & {"bad_utf8", "nul", "surrogate"}:
        item.pieces[:1] = [(item.pieces[0] if item.pieces else "") + POISON]
    if "big_event" in directives.faults:
        item.pieces.insert(1, "x" * directives.number("big_event", 1_000_000))


def _within_budget(items: list[Item], ask: Ask, directives: Directives) -> Plan:
    total = sum(len(item.pieces) for item in items)
    limits: list[tuple[int, str, str | None]] = [(total, "completed", None)]
    if ask.max_words is not None and ask.max_words < total:
        limits.append((ask.max_words, "incomplete", "max_output_tokens"))
    for fault, ending, reason in _ENDED_BY:
        if fault in directives.faults:
            limits.append((min(directives.number(fault, 0), total), ending, reason))
    # the last of those that stop at the same word is the one told for
    budget, ending, reason = min(reversed(limits), key=lambda limit: limit[0])
    kept = []
    for item in items:
        item.complete = len(item.pieces) <= budget
        item.pieces = item.pieces[:budget]
        budget -= len(item.pieces)
        kept.append(item)
        if not item.complete:
            break
    return Plan(kept, ask.input_words, ending, reason)
