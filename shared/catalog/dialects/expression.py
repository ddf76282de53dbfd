"""What a dialect can express, as plain data, and the check of a request against it. PURE.

A dialect that has no word for something refuses it before anything is stored, or leaves it out for a
reason that is written here and in docs/providers.md; never silently. Fields that the Responses API does
not have are an upstream's own and are passed on as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.errors import InvalidRequest, excerpt
from shared.wire.input_items import item_type

_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")

LOGPROBS = "message.output_text.logprobs"  # as `include` asks for them

Types = frozenset[str] | None  # None: whatever comes


@dataclass(frozen=True)
class Feature:
    """Something that many servers of a dialect lack: `lacks: [images]` in an account's configuration.

    `fields`: top-level fields that ask for it; `parts`: content parts; `asks`: any other sign of it.
    """

    fields: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    asks: Callable[[Mapping[str, Any]], str | None] = lambda body: None  # the parameter that asks for it


@dataclass(frozen=True)
class Dialect:
    name: str
    refused: Mapping[str, str] = field(default_factory=dict)  # field: why it cannot be had
    dropped: Mapping[str, str] = field(default_factory=dict)  # field: why leaving it out is harmless
    tool_types: Types = None
    item_types: Types = None
    part_types: Types = None
    # checks of a value that types alone do not decide: each raises InvalidRequest
    checks: tuple[Callable[[Mapping[str, Any]], None], ...] = ()
    features: Mapping[str, Feature] = field(default_factory=dict)
    # features that a version of its API has no more, by the date that names the version
    gone_since: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def lacking(self, version: str) -> frozenset[str]:
        """What no server has that is asked for this version; one that is no date is the usual one."""
        dated = version if _DATE.match(version) else ""
        return frozenset().union(*(gone for since, gone in self.gone_since.items() if dated >= since))

    def check(self, body: Mapping[str, Any], lacks: frozenset[str] = frozenset()) -> None:
        """Raises InvalidRequest naming the first parameter that this dialect, or server, has no word for."""
        for name, reason in self.refused.items():
            if asked(body.get(name)) and body[name] != 0:  # a number of 0 asks for nothing either
                raise unsupported(name, f"'{name}' cannot be had from this provider: {reason}")
        self._check_tools(body)
        self._check_items(body)
        for check in self.checks:
            check(body)
        for lack in sorted(lacks & self.features.keys()):
            self._check_lack(lack, body)

    def _check_tools(self, body: Mapping[str, Any]) -> None:
        if self.tool_types is None:
            return
        for index, tool in enumerate(body.get("tools") or []):
            if tool["type"] not in self.tool_types:
                raise _unknown(f"tools[{index}].type", tool["type"], self.tool_types)

    def _check_items(self, body: Mapping[str, Any]) -> None:
        for path, item in items_of(body):
            if self.item_types is not None and item_type(item) not in self.item_types:
                raise _unknown(f"{path}.type", item_type(item), self.item_types)
            for place, part in parts_of(path, item):
                if self.part_types is not None and part["type"] not in self.part_types:
                    raise _unknown(f"{place}.type", part["type"], self.part_types)

    def _check_lack(self, lack: str, body: Mapping[str, Any]) -> None:
        feature = self.features[lack]
        param = next((name for name in sorted(feature.fields) if asked(body.get(name))), None)
        param = param or feature.asks(body)
        for path, item in items_of(body):
            for place, part in parts_of(path, item):
                if part["type"] in feature.parts:
                    param = param or place
        if param is not None:
            raise unsupported(param, f"This provider does not take {lack.replace('_', ' ')}.")


def items_of(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The input's items, each with its path; a string has none."""
    given = body.get("input")
    for index, item in enumerate(given if isinstance(given, list) else []):
        yield f"input[{index}]", item


def parts_of(path: str, item: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The content parts of a message or of a call's output, each with its path."""
    key = "output" if "output" in item else "content"
    parts = item.get(key)
    return [
        (f"{path}.{key}[{index}]", part)
        for index, part in enumerate(parts if isinstance(parts, list) else [])
        if isinstance(part, dict) and isinstance(part.get("type"), str)
    ]


def asked(value: Any) -> bool:
    """Null and empty mean that nothing was asked for."""
    return value is not None and value is not False and value != [] and value != {} and value != ""


def unsupported(param: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, code="unsupported_parameter", param=param)


def unusable(param: str, message: str) -> InvalidRequest:
    """A value that cannot be had, of a parameter that can."""
    return InvalidRequest(message, code="unsupported_value", param=param)


def not_had(param: str, value: object) -> InvalidRequest:
    return unusable(param, f"This provider has no '{excerpt(value)}' here.")


def _unknown(param: str, value: str, known: frozenset[str]) -> InvalidRequest:
    names = ", ".join(f"'{name}'" for name in sorted(known))
    return unusable(param, f"This provider has no '{excerpt(value)}'; it takes {names}.")
