"""Which provider serves which model; what each dialect can express, as plain data.

Providers come from the YAML file named by RESPOOL_CONFIG, or from the environment alone.
`main/gpt-4.1` and the header `x-tfy-provider-name: main` pick an account; a bare name goes to the
provider that lists it, else to the default one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field

from shared.errors import ConfigurationError, InvalidRequest, NotFound, excerpt
from shared.settings import Settings

PROVIDER_HEADERS = ("x-respool-provider", "x-tfy-provider-name")
DIALECTS = ("responses",)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
Seconds = Annotated[float, Field(gt=0, le=86_400)]


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
    dialect: Literal["responses"] = "responses"
    base_url: str
    api_key: str = Field(default="", repr=False)
    api_key_file: str = Field(default="", repr=False)
    label: str = ""
    models: tuple[str, ...] = ()
    # its background mode can be resumed with `starting_after`: a dead worker does not re-run the model
    resumable: bool = False
    # a generation of which nobody has seen anything may be paid for a second time when its worker dies
    restart_unseen: bool = False
    # who acts on a request's `context_management`: the upstream, or this gateway for one that cannot
    compaction: Literal["upstream", "gateway"] = "upstream"
    # second tries of a refusal that was not billed (429, 503, 529), with the waits the upstream asks for
    max_retries: Annotated[int, Field(ge=0, le=10)] = 2
    deadlines: Deadlines = Deadlines()

    def key(self) -> str:
        """The account's secret, read when it is needed and never kept elsewhere."""
        if self.api_key_file:
            return Path(self.api_key_file).read_text(encoding="utf-8").strip()
        return self.api_key

    def serves(self, model: str) -> bool:
        return not self.models or model in self.models


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    providers: dict[str, Provider] = {}
    default_provider: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    provider: Provider
    model: str  # as the provider calls it


@dataclass(frozen=True)
class Catalog:
    providers: dict[str, Provider]
    default: str | None
    _by_model: dict[str, list[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_model: dict[str, list[str]] = {}
        for provider in self.providers.values():
            for model in provider.models:
                by_model.setdefault(model, []).append(provider.name)
        object.__setattr__(self, "_by_model", by_model)

    def route(self, model: str, headers: Mapping[str, str] | None = None) -> Route:
        """The provider for a model. InvalidRequest for the header's sake, NotFound for the model's."""
        named = self._named_by_header(headers or {})
        prefix, slash, rest = model.partition("/")
        if slash and prefix in self.providers:
            if named is not None and named != prefix:
                raise InvalidRequest(
                    f"The model names provider '{prefix}', the header names '{named}'.",
                    code="provider_mismatch",
                    param="model",
                )
            return self._checked(self.providers[prefix], rest, model)
        if named is not None:
            return self._checked(self.providers[named], model, model)
        listed = self._by_model.get(model, [])
        chosen = self.default if self.default in listed or not listed else listed[0]
        if chosen is None:
            raise _unknown_model(model)
        return self._checked(self.providers[chosen], model, model)

    def any_model(self) -> str:
        """A model of the default provider, for requests that name none."""
        models = self.providers[self.default].models if self.default is not None else ()
        return models[0] if models else "default"

    def names(self) -> list[tuple[str, Provider]]:
        """Every model name to show: `account/model`, and the bare name where unique."""
        shown = []
        for provider in self.providers.values():
            for model in provider.models:
                shown.append((f"{provider.name}/{model}", provider))
                if len(self._by_model[model]) == 1:
                    shown.append((model, provider))
        return shown

    def _named_by_header(self, headers: Mapping[str, str]) -> str | None:
        names = {headers[h] for h in PROVIDER_HEADERS if headers.get(h)}
        if not names:
            return None
        name = names.pop()
        if names or name not in self.providers:
            raise InvalidRequest(
                f"Unknown or contradicting provider '{excerpt(name)}' in the request headers.",
                code="provider_not_found",
                param=PROVIDER_HEADERS[-1],
            )
        return name

    def _checked(self, provider: Provider, model: str, asked: str) -> Route:
        if not model or not provider.serves(model):
            raise _unknown_model(asked)
        return Route(provider, model)


def load_catalog(settings: Settings, environ: Mapping[str, str]) -> Catalog:
    """`environ` fills `${NAME}` in the file. Raises ConfigurationError naming the file's mistake."""
    file = _read(settings.config, environ) if settings.config else _File()
    providers = {name: p.model_copy(update={"name": name}) for name, p in file.providers.items()}
    if settings.openai_api_key and "openai" not in providers:
        providers["openai"] = Provider(
            name="openai", base_url=settings.openai_base_url, api_key=settings.openai_api_key
        )
    if settings.demo_upstream_url and "demo" not in providers:
        providers["demo"] = Provider(
            name="demo", base_url=settings.demo_upstream_url, api_key="demo", models=("demo",)
        )
    default = file.default_provider or _default(providers)
    if default is not None and default not in providers:
        raise ConfigurationError(
            f"{settings.config}: default_provider '{default}' is not among the providers"
        )
    return Catalog(providers, default)


def _default(providers: dict[str, Provider]) -> str | None:
    if "demo" in providers:
        return "demo"
    return next(iter(providers), None)


def _read(path: str, environ: Mapping[str, str]) -> _File:
    try:
        raw = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigurationError(f"RESPOOL_CONFIG: cannot read {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"RESPOOL_CONFIG: {path} is not YAML: {error}") from error
    try:
        file = _File.model_validate(_expanded(raw, environ, path))
    except pydantic.ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"RESPOOL_CONFIG: {path}: {where}: {first['msg']}") from error
    for name, provider in file.providers.items():
        if not _NAME.match(name):
            raise ConfigurationError(
                f"RESPOOL_CONFIG: {path}: provider name '{excerpt(name)}' is not a plain word"
            )
        if not provider.base_url.startswith(("http://", "https://")):
            raise ConfigurationError(f"RESPOOL_CONFIG: {path}: providers.{name}.base_url must be http(s)")
    return file


def _expanded(value: Any, environ: Mapping[str, str], path: str) -> Any:
    """`${NAME}` in any string becomes the variable's value."""
    if isinstance(value, dict):
        return {k: _expanded(v, environ, path) for k, v in value.items()}
    if isinstance(value, list):
        return [_expanded(v, environ, path) for v in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environ:
            raise ConfigurationError(f"RESPOOL_CONFIG: {path} uses ${{{name}}}, which is not set")
        return environ[name]

    return _VARIABLE.sub(replace, value)


def _unknown_model(model: str) -> NotFound:
    return NotFound(
        f"The model '{excerpt(model)}' does not exist or is not served here.",
        code="model_not_found",
        param="model",
    )
