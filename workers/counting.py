"""How many tokens an input is: asked of the upstream, else counted, else estimated and marked so."""

from __future__ import annotations

import importlib
import logging
from typing import Any

import orjson

from shared.errors import UpstreamError
from workers.compaction import is_not_there
from workers.providers import Call, Generation, Provider

_log = logging.getLogger("respool.counting")

ENDPOINT = "input_tokens"
_BYTES_A_TOKEN = 4  # of English text and JSON, for the tokenizers in use
_TOKENS_AN_ITEM = 4  # what a message costs besides its content


def count(provider: Provider, generation: Generation, call: Call) -> dict[str, Any]:
    """The `response.input_tokens` object; `counted_by` is upstream, tokenizer or estimate."""
    try:
        answer = provider.once(ENDPOINT, generation, call)
    except UpstreamError as error:
        if not is_not_there(error):
            raise
        return _counted(generation)
    tokens = answer.get("input_tokens")
    if not isinstance(tokens, int) or isinstance(tokens, bool):
        raise UpstreamError("upstream_invalid_response", "The upstream did not say a number of tokens.")
    return _object(tokens, "upstream")


def estimated(generation: Generation) -> int:
    """Tokens of a generation's input, without asking anybody."""
    tokens: int = _counted(generation)["input_tokens"]
    return tokens


def _counted(generation: Generation) -> dict[str, Any]:
    texts = [generation.items] if isinstance(generation.items, str) else _texts(generation.items)
    for field in ("instructions", "tools", "text"):
        if generation.body.get(field):
            texts.append(_text(generation.body[field]))
    overhead = _TOKENS_AN_ITEM * len(texts)
    encoding = _encoding(generation.model)
    if encoding is not None:
        return _object(
            overhead + sum(len(encoding.encode(t, disallowed_special=())) for t in texts), "tokenizer"
        )
    return _object(overhead + sum(-(-len(t.encode()) // _BYTES_A_TOKEN) for t in texts), "estimate")


def _texts(items: list[dict[str, Any]]) -> list[str]:
    return [_text(item.get("content") or item) for item in items]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _encoding(model: str) -> Any:
    """The model's tokenizer, where the library and its tables are on this machine."""
    try:
        return importlib.import_module("tiktoken").encoding_for_model(model)
    except ImportError:
        return None
    except Exception as error:  # the library would fetch its tables: unknown model, no network, no cache
        _log.info("no tokenizer for this model: %s", type(error).__name__)
        return None


def _object(tokens: int, counted_by: str) -> dict[str, Any]:
    return {"object": "response.input_tokens", "input_tokens": tokens, "counted_by": counted_by}
