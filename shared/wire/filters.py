"""What GET /responses may be narrowed by, out of its query string. PURE.

An extension of ours: the official API has no such list. A value that cannot mean anything is
refused, naming its parameter, rather than answered with a list it did not ask for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.lifecycle import Status
from shared.wire import lists, refusals
from shared.wire.fields import check_metadata
from shared.wire.request import read_model

_PAIR = re.compile(r"metadata\[(.*)\]\Z", re.DOTALL)
_SECONDS = re.compile(r"[0-9]{1,12}\Z")


@dataclass(frozen=True, slots=True)
class ListFilters:
    """All of them must hold."""

    status: str | None = None
    model: str | None = None  # as its provider calls it
    background: bool | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    created_after: int | None = None  # Unix seconds, not included
    created_before: int | None = None


def parse_filters(args: Mapping[str, list[str]]) -> ListFilters:
    """Raises InvalidRequest; parameters it does not know are not its business."""
    background = args.get("background", [])
    model = lists.single("model", args.get("model", []))
    return ListFilters(
        status=_status(args.get("status", [])),
        model=None if model is None else read_model(model),
        background=lists.parse_bool("background", background) if background else None,
        metadata=_metadata(args),
        created_after=_seconds("created_after", args.get("created_after", [])),
        created_before=_seconds("created_before", args.get("created_before", [])),
    )


def _status(raw: list[str]) -> str | None:
    given = lists.single("status", raw)
    if given is not None and given not in list(Status):
        raise refusals.not_one_of("status", given, list(Status))
    return given


def _seconds(name: str, raw: list[str]) -> int | None:
    given = lists.single(name, raw)
    if given is None:
        return None
    if not _SECONDS.match(given):
        raise lists.refused(name, given, "whole Unix seconds")
    return int(given)


def _metadata(args: Mapping[str, list[str]]) -> dict[str, str]:
    """`metadata[key]=value`, any number of them."""
    pairs: dict[str, str] = {}
    for name, values in args.items():
        if name != "metadata" and not name.startswith("metadata["):
            continue
        match = _PAIR.match(name)
        if match is None:
            raise refusals.invalid("metadata", "Filter by metadata as 'metadata[key]=value'.")
        value = lists.single("metadata", values)
        pairs[match.group(1)] = "" if value is None else value
    check_metadata(pairs)
    return pairs
