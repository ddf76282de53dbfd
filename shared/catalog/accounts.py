"""An account at an upstream: where it is, how to speak to it, what it can do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from shared.catalog import rules
from shared.catalog.dialects import DIALECTS
from shared.wire.makers import check_compactions

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Limit = Annotated[int, Field(ge=0, le=2**31 - 1)]  # 0: none
HeaderValue = Annotated[str, AfterValidator(rules.header_value)]
Models = Annotated[Mapping[str, str], BeforeValidator(rules.models)]


class Deadlines(BaseModel):
    """Seconds. `progress`: since the last event with content; comments do not count."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    connect: Seconds = 10.0
    first_byte: Seconds = 600.0
    progress: Seconds = 120.0
    total: Seconds = 3600.0


class Provider(BaseModel):
    """An upstream account we can talk to."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = ""
    dialect: Literal["responses", "chat_completions", "messages"] = "responses"
    base_url: Annotated[str, AfterValidator(rules.base_url)]
    api_key: HeaderValue = Field(default="", repr=False)
    api_key_file: str = Field(default="", repr=False)
    # how the key is sent: `Authorization: Bearer`, or a header of that name; empty: as the dialect has it
    auth: Literal["", "bearer", "api-key", "x-api-key"] = ""
    organization: HeaderValue = ""
    project: HeaderValue = ""
    api_version: HeaderValue = (
        ""  # query `api-version`; of the messages dialect the header `anthropic-version`
    )
    headers: Annotated[dict[str, HeaderValue], Field(repr=False)] = {}
    query: Annotated[dict[str, str], Field(repr=False)] = {}
    label: str = ""
    # our names for its models, and its own names for them (a deployment's); a list: the same
    models: Models = {}
    # its background mode can be resumed with `starting_after`: a dead worker does not re-run the model
    resumable: bool = False
    # a generation of which nobody has seen anything may be paid for a second time when its worker dies
    restart_unseen: bool = False
    # who acts on a request's `context_management`: the upstream, or this gateway for one that cannot;
    # empty: whoever can
    compaction: Literal["", "upstream", "gateway"] = ""
    # who keeps what a turn builds upon: this gateway's items, or the upstream by its own ids
    state: Literal["gateway", "upstream"] = "gateway"
    # accounts with the same word here read each other's sealed reasoning; empty: this account alone
    seals_with: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,64}$")] = ""
    # second tries of a refusal that was not billed (429, 503, 529), with the waits the upstream asks for
    max_retries: Annotated[int, Field(ge=0, le=10)] = 2
    # of all workers together
    concurrency: Limit = 0
    requests_per_minute: Limit = 0
    tokens_per_minute: Limit = 0
    # what this server cannot take, of what its dialect has: features by name (shared/catalog/dialects)
    lacks: frozenset[str] = frozenset()
    # false: one plain call, turned into the same events
    streaming: bool = True
    # sent where the dialect requires a limit and the request has none
    max_output_tokens: Annotated[int, Field(ge=1, le=2**31 - 1)] = 4096
    # of chat_completions: how the limit is spelled; empty: `max_tokens`, at OpenAI its newer name
    max_tokens_field: Literal["", "max_tokens", "max_completion_tokens"] = ""
    # of chat_completions: the field in which the server wants its earlier reasoning back; empty: it does not
    reasoning_field: Literal["", "reasoning_content", "reasoning"] = ""
    deadlines: Deadlines = Deadlines()

    def key(self) -> str:
        """The account's secret, read when it is needed and never kept elsewhere."""
        if self.api_key_file:
            return Path(self.api_key_file).read_text(encoding="utf-8").strip()
        return self.api_key

    def check(self, body: Mapping[str, Any]) -> None:
        """Raises InvalidRequest for what this account's dialect, or its server, cannot express."""
        dialect = DIALECTS[self.dialect]
        dialect.check(body, self.lacks | dialect.lacking(self.api_version))
        check_compactions(body, self.maker)

    @property
    def maker(self) -> str:
        """Whose name its reasoning is signed with (shared/wire/makers)."""
        return self.seals_with or self.name

    def serves(self, model: str) -> bool:
        return not self.models or model in self.models

    def theirs(self, model: str) -> str:
        """The provider's own name for a model that is called so here."""
        return self.models.get(model, model)

    @property
    def shown(self) -> str:
        """What callers see instead of the account's name."""
        return self.label or self.name

    @property
    def manages_context(self) -> bool:
        """Whether a request's `context_management` is this gateway's to act on."""
        return self.compaction == "gateway" or (not self.compaction and self.dialect != "responses")

    @field_validator("resumable", "state", "compaction")
    @classmethod
    def _is_of_its_dialect(cls, value: str | bool, info: ValidationInfo) -> str | bool:
        if value in (True, "upstream") and info.data.get("dialect") not in (None, "responses"):
            raise rules.broken(f"only the dialect 'responses' can do that, not '{info.data['dialect']}'")
        return value

    @field_validator("max_tokens_field", "reasoning_field")
    @classmethod
    def _is_for_chat(cls, value: str, info: ValidationInfo) -> str:
        if value and info.data.get("dialect") not in (None, "chat_completions"):
            raise rules.broken("only the dialect 'chat_completions' has that")
        return value

    @field_validator("lacks")
    @classmethod
    def _are_features(cls, lacks: frozenset[str], info: ValidationInfo) -> frozenset[str]:
        if "dialect" in info.data:
            rules.check_features(lacks, DIALECTS[info.data["dialect"]])
        return lacks

    @field_validator("headers")
    @classmethod
    def _are_the_configurations(cls, headers: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        has_key = bool(info.data.get("api_key") or info.data.get("api_key_file"))
        auth = info.data.get("auth") or ("x-api-key" if info.data.get("dialect") == "messages" else "bearer")
        rules.check_headers(headers, key_header=_KEY_HEADERS[auth] if has_key else None)
        return headers


_KEY_HEADERS = {"bearer": "authorization", "api-key": "api-key", "x-api-key": "x-api-key"}
