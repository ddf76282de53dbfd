"""What is fired: paths, queries, headers and bodies, from nearly right to nonsense."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from api.openapi.operations import OPERATIONS
from shared.wire.fields import CreateFields
from tests.fuzz.shots import Shot

MOUNTS = ("/v1", "/api/llm/api/inference/openai", "")
FIELDS = (
    *CreateFields.model_fields,
    "model",
    "input",
    "tools",
    "tool_choice",
    "metadata",
    "conversation",
    "items",
)
WORDS = (
    *(
        "",
        "resp_",
        "resp_" + "0" * 48,
        "conv_" + "a" * 48,
        "msg_x",
        "auto",
        "function",
        "message",
        "user",
        "text",
    ),
    *(
        "json_schema",
        "input_text",
        "input_image",
        "function_call_output",
        "item_reference",
        "reasoning",
        "$ref",
    ),
    *(
        "#",
        "data:image/png;base64,",
        "file:///etc/passwd",
        "../..",
        "%00",
        "' OR 1=1",
        "\x1b[2J",
        "\r\nX: y",
        "\ud7ff",
    ),
    *("\N{PILE OF POO}", "x" * 300, "x" * 5_000, "__proto__", "plain", "strict/gpt-4.1", "refused/x"),
)
PLAIN_MODELS = st.sampled_from(
    ("plain", "plain!fault=refuse:400", "plain!fault=refuse:500", "strict/gpt-4.1", "none/x")
)

text = st.one_of(st.sampled_from(WORDS), st.text(max_size=20))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), text
)  # fmt: skip
names = st.one_of(
    st.sampled_from(("type", "role", "content", "id", "name", "text", "call_id", "output", "image_url")), text
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)


def item(**required: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    optional = {"id": text, "status": text, "extra": values}
    return st.fixed_dictionaries(required, optional={k: v for k, v in optional.items() if k not in required})


parts = item(
    type=st.sampled_from(("input_text", "input_image", "output_text", "refusal", "other")),
    text=values,
    image_url=text,
)
some_parts = st.lists(parts, max_size=3)
roles = st.sampled_from(("user", "assistant", "system", "wizard"))
items = st.one_of(
    item(role=roles, content=st.one_of(text, some_parts, values)),
    item(type=st.just("function_call"), call_id=text, name=text, arguments=text),
    item(type=st.just("function_call_output"), call_id=text, output=st.one_of(text, some_parts)),
    item(type=st.just("item_reference"), id=text),
    item(type=st.just("reasoning"), summary=values),
    item(type=text),
    values,
)
tools = item(type=st.sampled_from(("function", "custom", "web_search")), name=text, parameters=values)


@st.composite
def creates(draw: st.DrawFn) -> Any:
    """A create: a good one with some of its fields made strange."""
    body: dict[str, Any] = {"model": draw(PLAIN_MODELS), "input": "hello"}
    # one or two: of several wrong fields only the first is looked at
    for name in draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=2)):
        kind = {
            "input": st.lists(items, max_size=3),
            "tools": st.lists(tools, max_size=3),
            "items": st.lists(items),
        }
        body[name] = draw(st.one_of(kind.get(name, values), values))
    if isinstance(body.get("model"), str) and "!" in body["model"]:
        body["model"] = draw(PLAIN_MODELS)  # what follows `!` would tell the upstream to stall
    return body


bodies = st.one_of(
    creates().map(lambda value: json.dumps(value).encode()),
    values.map(lambda value: json.dumps(value).encode()),
    values.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.binary(max_size=200),
    st.integers(1, 3_000).map(lambda depth: b"[" * depth + b"]" * depth),
    creates().map(lambda value: json.dumps(value).encode("utf-16")),
)


@st.composite
def targets(draw: st.DrawFn) -> bytes:
    """A documented path with odd names in it, or any path at all; and a query."""
    path = draw(st.sampled_from([operation.path for operation in OPERATIONS]))
    for name in ("response_id", "conversation_id", "item_id", "model"):
        path = path.replace("{" + name + "}", draw(text))
    path = draw(st.sampled_from(MOUNTS)) + draw(st.one_of(st.just(path), text.map(lambda word: "/" + word)))
    query = draw(st.lists(st.tuples(st.sampled_from(PARAMETERS), text), max_size=4))
    whole = path + ("?" + "&".join(f"{name}={value}" for name, value in query) if query else "")
    return quoted(whole, draw(st.booleans()))


PARAMETERS = (
    *("limit", "order", "after", "stream", "starting_after", "include[]", "include", "include_obfuscation"),
    *(
        "status",
        "model",
        "background",
        "metadata",
        "metadata[k]",
        "metadata[",
        "created_after",
        "created_before",
        "x",
    ),
)


def quoted(text: str, percent: bool) -> bytes:
    """As one word of a request line: blanks and line ends cannot stand there, other bytes may."""
    raw = text.encode("utf-8", "surrogatepass")
    safe = b"/?&=[]%-._~!$'()*+,;:@"
    kept = (
        (lambda byte: bytes((byte,)).isalnum() or byte in safe)
        if percent
        else (lambda byte: byte > 0x20 and byte != 0x7F)
    )
    return b"".join(bytes((byte,)) if kept(byte) else b"%%%02X" % byte for byte in raw) or b"/"


HEADERS = (
    *(
        b"X-Request-Id",
        b"X-Client-Request-Id",
        b"Idempotency-Key",
        b"x-stainless-retry-count",
        b"OpenAI-Organization",
    ),
    *(
        b"x-tfy-provider-name",
        b"x-respool-provider",
        b"Accept",
        b"Content-Encoding",
        b"X-Forwarded-For",
        b"SCRIPT_NAME",
    ),
    *(
        b"X-Tenant-Id",
        b"PATH_INFO",
        b"Upgrade",
        b"Sec-WebSocket-Key",
        b"Sec-WebSocket-Version",
        b"Expect",
        b"Cookie",
    ),
    *(
        b"Range",
        b"If-None-Match",
        b"X-HTTP-Method-Override",
        b"Last-Event-ID",
        b"Origin",
        b"Forwarded",
        b"Host",
    ),
)
header_values = st.one_of(
    text.map(lambda value: value.encode("utf-8", "surrogatepass").translate(None, b"\r\n")),
    st.binary(max_size=30).map(lambda value: value.translate(None, b"\r\n")),
)
headers = st.lists(st.tuples(st.sampled_from(HEADERS), header_values), max_size=4)
methods = st.sampled_from((b"GET", b"POST", b"DELETE", b"HEAD", b"OPTIONS", b"PUT", b"PATCH", b"BREW"))
media = st.sampled_from(
    (b"application/json", b"application/json; charset=utf-8", b"text/plain", b"application/json;;=,")
)


@st.composite
def shots(draw: st.DrawFn, key: str) -> Shot:
    """Anything over HTTP, with the key more often than not."""
    extra = list(draw(headers))
    if draw(st.integers(0, 9)):
        extra.append((b"Authorization", f"Bearer {key}".encode()))
    extra.append((b"Content-Type", draw(media)))
    return Shot(draw(methods), draw(targets()), tuple(extra), draw(st.one_of(st.just(b""), bodies)))


def creating(key: str, body: bytes) -> Shot:
    sent = ((b"Authorization", f"Bearer {key}".encode()), (b"Content-Type", b"application/json"))
    return Shot(b"POST", b"/v1/responses", sent, body)
