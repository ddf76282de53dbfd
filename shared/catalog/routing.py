"""Which account serves a model.

`main/gpt-4.1` and the header `x-tfy-provider-name: main` pick an account; a bare name is an alias, or
goes to the provider that lists it, else to the default one. The catalog is one object for a process's
whole life: a changed configuration replaces what is in it, at once and as a whole.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from shared.catalog.accounts import Provider
from shared.catalog.aliases import Target, chosen
from shared.errors import InvalidRequest, NotFound, excerpt

PROVIDER_HEADERS = ("x-respool-provider", "x-tfy-provider-name")
OWNER_OF_MIXED = "respool"  # of an alias whose targets have several owners

Aliases = Mapping[str, Sequence[Target]]


@dataclass(frozen=True, slots=True)
class Route:
    provider: Provider
    model: str  # as the provider calls it
    alias: str | None = None  # the name that was asked for, where other targets may take over

    @property
    def key(self) -> str:
        """What names a target among an alias's: of a row, `provider/model`."""
        return f"{self.provider.name}/{self.model}"


@dataclass(frozen=True)
class _Contents:
    providers: dict[str, Provider]
    default: str | None
    aliases: dict[str, tuple[Target, ...]]
    by_model: dict[str, list[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_model: dict[str, list[str]] = {}
        for provider in self.providers.values():
            for model in provider.models:
                by_model.setdefault(model, []).append(provider.name)
        object.__setattr__(self, "by_model", by_model)

    def route_to(self, target: Target, alias: str, *, pinned: bool = False) -> Route:
        provider = self.providers[target.provider]
        return Route(provider, provider.theirs(target.model or alias), None if pinned else alias)

    def owner_of(self, alias: str) -> str:
        owners = {self.providers[target.provider].shown for target in self.aliases.get(alias, ())}
        return owners.pop() if len(owners) == 1 else OWNER_OF_MIXED


class Catalog:
    def __init__(
        self, providers: Mapping[str, Provider], default: str | None, aliases: Aliases | None = None
    ) -> None:
        targets = {name: tuple(given) for name, given in (aliases or {}).items()}
        self._contents = _Contents(dict(providers), default, targets)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Catalog) and self._contents == other._contents

    __hash__ = None  # type: ignore[assignment]

    @property
    def providers(self) -> Mapping[str, Provider]:
        """As they are now: whoever needs several answers that agree takes this once."""
        return self._contents.providers

    @property
    def default(self) -> str | None:
        return self._contents.default

    @property
    def aliases(self) -> Mapping[str, tuple[Target, ...]]:
        return self._contents.aliases

    def become(self, other: Catalog) -> frozenset[str]:
        """Take over the other's contents; the accounts that are gone or no longer the same."""
        before, self._contents = self._contents, other._contents
        now = self._contents.providers
        return frozenset(name for name, account in before.providers.items() if now.get(name) != account)

    def route(
        self,
        model: str,
        headers: Mapping[str, str] | None = None,
        *,
        prefer: str | None = None,
        rng: random.Random | None = None,
    ) -> Route:
        """The provider for a model. InvalidRequest for the header's sake, NotFound for the model's.

        `prefer`: the account that an alias should choose, if it is among its targets.
        """
        now = self._contents
        named = _named_by_header(now, headers or {})
        prefix, slash, rest = model.partition("/")
        if slash and prefix in now.providers:
            if named is not None and named != prefix:
                raise InvalidRequest(
                    f"The model names provider '{prefix}', the header names '{named}'.",
                    code="provider_mismatch",
                    param="model",
                )
            return _pinned(now, prefix, rest, model)
        if named is not None:
            return _pinned(now, named, model, model)
        if model in now.aliases:
            return now.route_to(chosen(now.aliases[model], prefer, rng or _rng), model)
        listed = now.by_model.get(model, [])
        name = now.default if now.default in listed or not listed else listed[0]
        if name is None:
            raise _unknown_model(model)
        return _checked(now.providers[name], model, model)

    def next_target(
        self, alias: str, tried: Collection[str], held_back: Collection[str] = ()
    ) -> Route | None:
        """The first target, in the file's order, that was not tried; None where there is no more.

        `tried`: targets by `Route.key`; `held_back`: accounts by name, that take nothing now.
        """
        now = self._contents
        for target in now.aliases.get(alias, ()):
            route = now.route_to(target, alias)
            if route.key not in tried and route.provider.name not in held_back:
                return route
        return None

    def any_model(self) -> str:
        """A model of the default provider, for requests that name none."""
        now = self._contents
        models = now.providers[now.default].models if now.default is not None else {}
        return next(iter(models), "default")

    def names(self) -> list[tuple[str, str]]:
        """Every model name to show, with its owner: aliases, `account/model`, a bare name where unique."""
        now = self._contents
        shown = [(alias, now.owner_of(alias)) for alias in now.aliases]
        for provider in now.providers.values():
            for model in provider.models:
                shown.append((f"{provider.name}/{model}", provider.shown))
                if len(now.by_model[model]) == 1 and model not in now.aliases:
                    shown.append((model, provider.shown))
        return shown

    def owner(self, model: str, headers: Mapping[str, str] | None = None) -> str:
        """Whose model it is, as callers see it. Raises as `route`."""
        route = self.route(model, headers)
        return route.provider.shown if route.alias is None else self._contents.owner_of(route.alias)


_rng = random.Random()


def _named_by_header(now: _Contents, headers: Mapping[str, str]) -> str | None:
    names = {headers[h] for h in PROVIDER_HEADERS if headers.get(h)}
    if not names:
        return None
    name = names.pop()
    if names or name not in now.providers:
        raise InvalidRequest(
            f"Unknown or contradicting provider '{excerpt(name)}' in the request headers.",
            code="provider_not_found",
            param=PROVIDER_HEADERS[-1],
        )
    return name


def _pinned(now: _Contents, account: str, model: str, asked: str) -> Route:
    """That account and no other: of an alias its target there, without the rest."""
    for target in now.aliases.get(model, ()):
        if target.provider == account:
            return now.route_to(target, model, pinned=True)
    return _checked(now.providers[account], model, asked)


def _checked(provider: Provider, model: str, asked: str) -> Route:
    if not model or not provider.serves(model):
        raise _unknown_model(asked)
    return Route(provider, provider.theirs(model))


def _unknown_model(model: str) -> NotFound:
    return NotFound(
        f"The model '{excerpt(model)}' does not exist or is not served here.",
        code="model_not_found",
        param="model",
    )
