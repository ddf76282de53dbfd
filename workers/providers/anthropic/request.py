"""A generation as the body of a Messages request, and how its answer is to be read. PURE.

Fields that the Responses API does not have are the upstream's own and pass on; where one of them says
what we would say otherwise (`thinking`, `output_config`), it wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.catalog.dialects.messages import TIERS
from shared.wire.fields import CreateFields
from workers.providers.anthropic.history import Conversation
from workers.providers.anthropic.models import traits
from workers.providers.anthropic.thinking import Thought, thought
from workers.providers.anthropic.tools import Offer, offer
from workers.providers.base import Generation

_RESPONSES_FIELDS = frozenset(CreateFields.model_fields) | {
    "model",
    "input",
    "tools",
    "tool_choice",
    "metadata",
    "conversation",
}
# Without any token generated: the rest is not known to the endpoint that counts.
_COUNTED = ("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read the answer."""

    answer_tool: str | None = None  # its input is the text of the answer
    custom_tools: frozenset[str] = frozenset()
    unthought: bool = False  # reasoning was asked for and left out


def request(generation: Generation, *, default_limit: int, streaming: bool) -> tuple[Json, Reading]:
    body, model = generation.body, traits(generation.model)
    conversation = Conversation(body.get("instructions"), generation.items)
    offered = offer(body, model, conversation.called)
    hindered = offered.forces or conversation.goes_on_unthought
    plan = thought(body, model, default_limit=default_limit, hindered=hindered)
    passed = {k: v for k, v in body.items() if k not in _RESPONSES_FIELDS and v is not None}
    system = "\n\n".join(filter(None, (conversation.system, offered.instruction)))
    made: Json = {
        "model": generation.model,
        "max_tokens": plan.max_tokens,
        "messages": conversation.messages,
        "stream": streaming,
        **({"system": system} if system else {}),
        **({"tools": offered.tools} if offered.tools else {}),
        **({"tool_choice": offered.choice} if offered.tools and offered.choice else {}),
        **_sampling(body),
        **_owner(body),
    }
    own = passed.pop("output_config", {})
    output = {**_output(offered, plan), **own} if isinstance(own, dict) else own
    thinking = passed.pop("thinking", plan.thinking)
    made |= {**({"thinking": thinking} if thinking else {}), **({"output_config": output} if output else {})}
    return {**passed, **made}, Reading(offered.answer_tool, offered.custom, plan.left_out)


def counted(body: Json) -> Json:
    """The request whose tokens are counted."""
    return {key: body[key] for key in _COUNTED if key in body}


def _sampling(body: Json) -> Json:
    """1 is the default everywhere; later models refuse any other, and some both at once."""
    return {name: body[name] for name in ("temperature", "top_p") if body.get(name) not in (None, 1)}


def _owner(body: Json) -> Json:
    made: Json = {}
    user = body.get("safety_identifier") or body.get("user")
    if user:
        made["metadata"] = {"user_id": user}
    if body.get("service_tier"):
        made["service_tier"] = TIERS.get(body["service_tier"], "auto")
    return made


def _output(offered: Offer, plan: Thought) -> Json:
    output: Json = {}
    if plan.effort is not None:
        output["effort"] = plan.effort
    if offered.output_format is not None:
        output["format"] = offered.output_format
    return output
