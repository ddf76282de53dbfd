"""The providers: from the YAML file named by RESPOOL_CONFIG, or from the environment alone.

All mistakes of the file are named at once, each with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic
from pydantic import BaseModel, ConfigDict

from shared.catalog.accounts import Deadlines, Provider
from shared.catalog.aliases import Target, problems
from shared.catalog.document import Document, Loc, Mistake, Unreadable
from shared.catalog.routing import Catalog
from shared.catalog.rules import suggestion
from shared.errors import ConfigurationError
from shared.settings import Settings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    providers: dict[str, Provider] = {}
    aliases: dict[str, tuple[Target, ...]] = {}
    default_provider: str | None = None


# an account's name is its key in the file
_KEYS: dict[type[BaseModel], frozenset[str]] = {
    model: frozenset(model.model_fields) - {"name"} for model in (_File, Provider, Deadlines, Target)
}
_WORDS = {
    "missing": "is missing",
    "string_type": "must be text: put what looks like a number or a word of YAML in quotes",
    "dict_type": "must be a mapping: indented lines with `key: value`",
    "model_type": "must be a mapping: indented lines with `key: value`",
    "tuple_type": "must be a list",
    "frozen_set_type": "must be a list",
}


def load_catalog(settings: Settings, environ: Mapping[str, str]) -> Catalog:
    """`environ` fills `${NAME}` in the file. Raises ConfigurationError naming the file's mistakes."""
    from_environment = _from_environment(settings)
    if not settings.config:
        return Catalog(from_environment, _default(from_environment))
    document = _open(settings.config)
    file = _validated(document, environ, from_environment)
    if file is None or document.mistakes:
        raise _wrong(settings.config, document.mistakes)
    providers = {name: p.model_copy(update={"name": name}) for name, p in file.providers.items()}
    providers = {**providers, **{name: p for name, p in from_environment.items() if name not in providers}}
    for loc, said in problems(file.aliases, providers):
        document.mistakes.append(document.mistake(("aliases", *loc), said))
    if document.mistakes:
        raise _wrong(settings.config, document.mistakes)
    return Catalog(providers, file.default_provider or _default(providers), file.aliases)


def _from_environment(settings: Settings) -> dict[str, Provider]:
    providers = {}
    if settings.openai_api_key:
        variables = {"base_url": "OPENAI_BASE_URL", "api_key": "OPENAI_API_KEY"}
        url, key = settings.openai_base_url, settings.openai_api_key
        providers["openai"] = _made(variables, name="openai", base_url=url, api_key=key)
    if settings.demo_upstream_url:
        variables = {"base_url": "RESPOOL_DEMO_UPSTREAM_URL"}
        url = settings.demo_upstream_url
        providers["demo"] = _made(variables, name="demo", base_url=url, api_key="demo", models=["demo"])
    return providers


def _made(variables: Mapping[str, str], **fields: Any) -> Provider:
    """`variables`: where each field comes from."""
    try:
        return Provider(**fields)
    except pydantic.ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        raise ConfigurationError(f"{variables[str(fault['loc'][0])]} {_said(fault)}") from error


def _default(providers: Mapping[str, Provider]) -> str | None:
    if "demo" in providers:
        return "demo"
    return next(iter(providers), None)


def _open(path: str) -> Document:
    try:
        return Document(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"RESPOOL_CONFIG: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"RESPOOL_CONFIG: {path} is not UTF-8 text") from error
    except Unreadable as error:
        raise _wrong(path, [error.mistake]) from error


def _wrong(path: str, mistakes: list[Mistake]) -> ConfigurationError:
    """One line a mistake."""
    if len(mistakes) == 1:
        return ConfigurationError(f"RESPOOL_CONFIG: {path}, line {mistakes[0].line}: {mistakes[0]}")
    lines = [f"  line {mistake.line}: {mistake}" for mistake in sorted(mistakes)]
    return ConfigurationError("\n".join([f"RESPOOL_CONFIG: {path} has {len(mistakes)} mistakes:", *lines]))


def _validated(
    document: Document, environ: Mapping[str, str], elsewhere: Mapping[str, Provider]
) -> _File | None:
    value = document.expand(environ)
    known = {mistake.where for mistake in document.mistakes}
    document.mistakes += [document.mistake(loc, said) for loc, said in _names(value, elsewhere)]
    try:
        return _File.model_validate(value)
    except pydantic.ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            mistake = document.mistake(fault["loc"], _said(fault))
            if mistake.where not in known:  # what is wrong for want of a variable was said
                document.mistakes.append(mistake)
        return None


def _said(fault: Mapping[str, Any]) -> str:
    loc = fault["loc"]
    if fault["type"] == "extra_forbidden":
        return _unknown(str(loc[-1]), _model_of(loc[:-1]))
    words: str = _WORDS.get(fault["type"]) or fault["msg"].replace("Input should be", "must be")
    return words


def _unknown(key: str, model: type[BaseModel]) -> str:
    if model is Provider and key in _KEYS[Deadlines]:
        return "unknown key; it belongs under `deadlines`"
    return "unknown key" + suggestion(key, _KEYS[model])


def _model_of(loc: Loc) -> type[BaseModel]:
    if not loc:
        return _File
    if loc[0] == "aliases":
        return Target
    return Deadlines if loc[-1] == "deadlines" and len(loc) == 3 else Provider


def _names(value: Any, elsewhere: Mapping[str, Provider]) -> Iterator[tuple[Loc, str]]:
    """What is wrong with names, whatever else is wrong with the file."""
    if not isinstance(value, dict):
        return
    providers = value.get("providers")
    accounts = providers if isinstance(providers, dict) else {}
    for name, account in accounts.items():
        if not _NAME.match(str(name)):
            yield ("providers", name), "an account's name is a plain word: letters, digits, '.', '_' and '-'"
        if isinstance(account, dict) and "name" in account:
            yield ("providers", name, "name"), "unknown key: an account's name is the key it stands under"
    known = {*map(str, accounts), *elsewhere}
    default = value.get("default_provider")
    if isinstance(default, str) and default not in known:
        yield ("default_provider",), "is not among the providers" + suggestion(default, known)
    aliases = value.get("aliases")
    for alias, targets in aliases.items() if isinstance(aliases, dict) else ():
        for index, target in enumerate(targets if isinstance(targets, list) else []):
            provider = target.get("provider") if isinstance(target, dict) else None
            if isinstance(provider, str) and provider not in known:
                said = "is not among the providers" + suggestion(provider, known)
                yield ("aliases", alias, index, "provider"), said
