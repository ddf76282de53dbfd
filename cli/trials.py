"""One tiny real request to a provider, on the way that a worker takes, and what to do when it fails.

What it says is our own words: an upstream's are shown only for what the request itself has wrong.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from shared.errors import InvalidRequest, UpstreamError
from shared.ids import new_response_id
from shared.wire.items import normalise_input, to_upstream
from shared.wire.request import parse_create
from shared.wire.response import envelope
from workers.assembler import Assembler, Outcome
from workers.providers import DIALECTS, Call, Generation

if TYPE_CHECKING:
    from shared.catalog import Provider
    from workers.providers import HttpClient

PATIENCE_SECONDS = 60.0
_TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": False,
}
_ENOUGH = {"max_output_tokens": 256, "store": False}  # reasoning models think before they speak

_ADVICE = {
    "upstream_unreachable": "check `base_url`, and that the server runs and can be reached from here",
    "upstream_auth": "check `api_key` or `api_key_file`, and `auth` if its key goes into another header",
    "upstream_rate_limited": "its rate limit or quota is used up: ask again later, or raise it there",
    "upstream_overloaded": "ask again later",
    "upstream_timeout": "it is slow, or hangs: look at the server, ask again",
    "upstream_disconnected": "look at the server's log, and at what stands between",
    "upstream_invalid_response": "check `dialect`, and that `base_url` is its API (most end in /v1)",
    "upstream_incomplete": "check `dialect`; try `streaming: false`",
    "upstream_error": "look at the server's log",
}
_NOT_FOUND = "check the model's name, and that `base_url` is the API of this `dialect` (most end in /v1)"
_REFUSED = "the request is plain: if the server cannot do that, name it under `lacks`"
_SETTLED = frozenset({"upstream_unreachable", "upstream_auth", "upstream_timeout"})


@dataclass(frozen=True)
class Trial:
    name: str
    streaming: bool
    ask: str
    has_tool: bool = False

    def body(self, model: str, lacks: frozenset[str]) -> dict[str, Any]:
        body = {"model": model, "input": self.ask, **_ENOUGH}
        if self.has_tool:
            body["tools"] = [_TOOL]
            body["tool_choice"] = "auto" if "tool_choice" in lacks else "required"
        return body


TRIALS = (
    Trial("plain text", False, "Answer with the one word: ready"),
    Trial("streamed text", True, "Answer with the one word: ready"),
    Trial("tool call", True, "What is the weather in Oslo? Use the tool.", has_tool=True),
)


@dataclass(frozen=True)
class Result:
    """`ok` is None where it was not tried; `settles`: the next trial would say the same."""

    ok: bool | None
    said: str
    settles: bool = False


def attempt(trial: Trial, account: Provider, model: str, client: HttpClient) -> Result:
    """`model` as the provider calls it."""
    if trial.streaming and not account.streaming:
        if not trial.has_tool:
            return Result(None, "not tried: the configuration says `streaming: false`")
    else:
        account = account.model_copy(update={"streaming": trial.streaming})
    body = trial.body(model, account.lacks)
    try:
        account.check(body)
    except InvalidRequest as error:
        return Result(None, f"not tried: {error.message}")
    began = time.monotonic()
    try:
        outcome = _outcome(account, model, body, client)
    except UpstreamError as error:
        return _failure(error.reason, error.message, (error.refusal or {}).get("upstream_status"))
    seconds = time.monotonic() - began
    wrong = _wrong(trial, outcome)
    if wrong:
        return Result(False, wrong)
    tokens = outcome.usage["total_tokens"] if outcome.usage else 0
    return Result(True, f"ok ({seconds:.1f} s, {tokens or 'unknown'} tokens)")


def _outcome(account: Provider, model: str, body: dict[str, Any], client: HttpClient) -> Outcome:
    wanted = parse_create(body)
    response_id = new_response_id()
    items = [to_upstream(item) for item in normalise_input(response_id, wanted.input)]
    patient = {"first_byte": min(account.deadlines.first_byte, PATIENCE_SECONDS)}
    call = Call(account.deadlines.model_copy(update=patient), total_seconds=PATIENCE_SECONDS)
    assembler = Assembler(
        response_id=response_id,
        created_at=time.time(),
        envelope=envelope(wanted, model=model, provider=account.shown),
        next_sequence=0,
        include=frozenset(),
    )
    provider = DIALECTS[account.dialect](account, client)
    watch = threading.Timer(PATIENCE_SECONDS, call.end, ["total"])
    watch.daemon = True
    watch.start()
    try:
        with closing(provider.stream(Generation(response_id, 1, model, body, items), call)) as events:
            for event in events:
                assembler.feed(event)
                if assembler.outcome is not None:
                    return assembler.outcome
    finally:
        watch.cancel()
    raise UpstreamError("upstream_incomplete", "The upstream's stream ended without a final event.")


def _failure(reason: str, message: str, status: int | None = None) -> Result:
    advice = _ADVICE.get(reason, "")
    if reason == "upstream_refused":
        advice = _NOT_FOUND if status == 404 else _REFUSED
    said = f"{reason}: {message}"
    return Result(False, f"{said} Next: {advice}." if advice else said, settles=reason in _SETTLED)


def _wrong(trial: Trial, outcome: Outcome) -> str | None:
    """An answer that was cut short for its length is an answer."""
    if outcome.status == "failed":
        return outcome.error_message or "failed without a reason"
    if trial.has_tool:
        calls = [item for item in outcome.items if item["type"] == "function_call"]
        if not calls:
            return "answered without calling the tool. Next: if the model has no tools, say `lacks: [tools]`."
        return None if _is_object(calls[0].get("arguments")) else "the call's arguments are not a JSON object"
    parts = [part for item in outcome.items if item["type"] == "message" for part in item["content"]]
    if outcome.status == "completed" and not any(part.get("text") for part in parts):
        return "answered without text. Next: check that this model writes text."
    return None


def _is_object(text: object) -> bool:
    try:
        return isinstance(orjson.loads(str(text)), dict)
    except orjson.JSONDecodeError:
        return False
