"""What Respool answers, as types: the schemas of the OpenAPI document's answers. PURE.

They describe and never build: objects are kept and sent as bytes. A test holds them against what
the product really answers. Every one may grow keys, so readers must ignore what they do not know.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.lifecycle import Status
from shared.wire.response import ERROR_CODES

Seconds = Annotated[int, Field(description="Unix seconds")]
Count = Annotated[int, Field(ge=0)]
StatusName = Annotated[str, Field(json_schema_extra={"enum": [str(status) for status in Status]})]
ErrorCode = Annotated[str, Field(json_schema_extra={"enum": [*sorted(ERROR_CODES)]})]
ItemStatus = Literal["in_progress", "completed", "incomplete"]


class _Object(BaseModel):
    model_config = ConfigDict(extra="allow")


class ErrorDetail(_Object):
    message: Annotated[str, Field(description="For people; it may change.")]
    type: str
    param: Annotated[str | None, Field(description="The parameter, as a path: `input[1].role`.")]
    code: Annotated[str | None, Field(description="For programs; docs/errors.md lists them all.")]


class Error(_Object):
    """The body of every answer with a status of 400 or more."""

    error: ErrorDetail


class InputTokensDetails(_Object):
    cached_tokens: Count
    cache_write_tokens: Count


class OutputTokensDetails(_Object):
    reasoning_tokens: Count


class Usage(_Object):
    input_tokens: Count
    input_tokens_details: InputTokensDetails
    output_tokens: Count
    output_tokens_details: OutputTokensDetails
    total_tokens: Count


class ResponseError(_Object):
    """Why a generation failed; the finer reason opens the message."""

    code: ErrorCode
    message: str


class IncompleteDetails(_Object):
    reason: str | None = None


class ConversationName(_Object):
    id: str


class TextOptions(_Object):
    format: dict[str, Any]


class ReasoningOptions(_Object):
    effort: str | None
    summary: str | None


class Part(_Object):
    """A content part; the keys beside `type` are those of its type."""

    type: str


class Item(_Object):
    """An input or output item; the keys beside these two are those of its type."""

    id: str
    type: str


class MessageItem(_Object):
    id: str
    type: Literal["message"]
    role: str
    status: ItemStatus
    content: list[Part]


class FunctionCallItem(_Object):
    id: str
    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: Annotated[str, Field(description="JSON, as the model wrote it.")]
    status: ItemStatus


class ReasoningItem(_Object):
    id: str
    type: Literal["reasoning"]
    summary: list[Part]
    encrypted_content: Annotated[str, Field(description="If `include` asks for it.")] = ""


OutputItem = MessageItem | FunctionCallItem | ReasoningItem | Item


class Response(_Object):
    """A response in any status. Every key is always there."""

    id: Annotated[str, Field(pattern="^resp_")]
    object: Literal["response"]
    created_at: Seconds
    status: StatusName
    completed_at: Annotated[Seconds | None, Field(description="Unix seconds; null unless completed")]
    background: bool
    error: ResponseError | None
    incomplete_details: IncompleteDetails | None
    model: Annotated[str, Field(description="As the upstream resolved it.")]
    provider: Annotated[str, Field(description="The upstream account that serves it.")]
    previous_response_id: str | None
    conversation: ConversationName | None
    instructions: str | list[Any] | None
    output: list[OutputItem]
    usage: Usage | None
    tools: list[dict[str, Any]]
    tool_choice: str | dict[str, Any]
    parallel_tool_calls: bool
    max_tool_calls: int | None
    max_output_tokens: int | None
    temperature: float
    top_p: float
    presence_penalty: float
    frequency_penalty: float
    top_logprobs: int
    text: TextOptions
    reasoning: ReasoningOptions | None
    truncation: str
    service_tier: str
    store: bool
    metadata: dict[str, str]
    user: str | None
    safety_identifier: str | None
    prompt: dict[str, Any] | None
    prompt_cache_key: str | None
    prompt_cache_retention: str | None


class ResponseDeleted(_Object):
    id: str
    object: Literal["response"]
    deleted: Literal[True]


class _Page(_Object):
    object: Literal["list"]
    first_id: str | None
    last_id: Annotated[str | None, Field(description="Give it as `after` for the next page.")]
    has_more: bool


class ResponseList(_Page):
    data: list[Response]


class ItemList(_Page):
    data: list[Item]


class Compaction(_Object):
    """The conversation so far in fewer tokens: feed `output` back as the next request's input."""

    id: str
    object: Literal["response.compaction"]
    created_at: Seconds
    output: list[Item]
    usage: Usage


class InputTokens(_Object):
    object: Literal["response.input_tokens"]
    input_tokens: Count


class Conversation(_Object):
    id: Annotated[str, Field(pattern="^conv_")]
    object: Literal["conversation"]
    created_at: Seconds
    metadata: dict[str, str]


class ConversationDeleted(_Object):
    id: str
    object: Literal["conversation.deleted"]
    deleted: Literal[True]


class Model(_Object):
    id: str
    object: Literal["model"]
    created: Seconds
    owned_by: str


class ModelList(_Object):
    object: Literal["list"]
    data: list[Model]


class StreamEvent(_Object):
    """The JSON on the `data:` line of one event of a stream, and of one WebSocket message."""

    type: Annotated[str, Field(description="The same as on the `event:` line.")]
    sequence_number: Annotated[int, Field(ge=0, description="Dense from 0: the cursor for resuming.")]


class Health(_Object):
    status: Literal["ok"]


class Readiness(_Object):
    status: Literal["ready", "not_ready"]
    checks: Annotated[dict[str, str], Field(description="`ok`, or what is wrong.")]


ANSWERS: tuple[type[BaseModel], ...] = (
    Error,
    Response,
    ResponseDeleted,
    ResponseList,
    ItemList,
    Item,
    Compaction,
    InputTokens,
    Conversation,
    ConversationDeleted,
    Model,
    ModelList,
    StreamEvent,
    Health,
    Readiness,
)
