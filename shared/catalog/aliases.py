"""A model name of our own that stands for models of several accounts. PURE.

An alias hides nothing: it may have a model's name only where each account that lists the model is one
of its targets.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.catalog.accounts import Provider

_NAME = re.compile(r"[\x21-\x7e]{1,200}\Z")
_MOST_TARGETS = 32


class Target(BaseModel):
    """One of an alias's models. Without `model` it is called there as the alias is here."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    provider: str
    model: str = ""
    # its share of the requests; 0: only where the others cannot
    weight: Annotated[int, Field(ge=0, le=1_000_000)] = 1


def chosen(targets: Sequence[Target], prefer: str | None, rng: random.Random) -> Target:
    """The preferred account's target where there is one, else one by weight. A weight is above 0."""
    for target in targets:
        if target.provider == prefer:
            return target
    return rng.choices(targets, weights=[target.weight for target in targets])[0]


def problems(
    aliases: Mapping[str, Sequence[Target]], providers: Mapping[str, Provider]
) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """What is wrong, each with its place below `aliases`. The providers named are there."""
    for alias, targets in aliases.items():
        yield from (((alias,), said) for said in _problems_of_name(alias, targets, providers))
        if not 0 < len(targets) <= _MOST_TARGETS:
            yield (alias,), f"must have 1 to {_MOST_TARGETS} targets"
        elif not any(target.weight for target in targets):
            yield (alias,), "must have a target whose weight is above 0: the others stand in for it"
        seen = set()
        for index, target in enumerate(targets):
            provider, model = providers[target.provider], target.model or alias
            if not provider.serves(model):
                yield (alias, index), f"'{target.provider}' does not serve '{model}'"
            if (target.provider, provider.theirs(model)) in seen:
                yield (alias, index), "is the same target as one above"
            seen.add((target.provider, provider.theirs(model)))


def _problems_of_name(
    alias: str, targets: Sequence[Target], providers: Mapping[str, Provider]
) -> Iterator[str]:
    prefix, slash, _ = alias.partition("/")
    if not _NAME.match(alias):
        yield "an alias is 1 to 200 printable ASCII characters without blanks"
    if slash and prefix in providers:
        yield f"'{prefix}/' already means the account '{prefix}': choose another name"
    for name, provider in providers.items():
        if alias in provider.models and all(
            target.provider != name or (target.model or alias) != alias for target in targets
        ):
            yield f"hides the model '{alias}' of '{name}': make that a target too, or choose another name"
