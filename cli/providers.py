"""`respool providers`: what is configured, and what of it works. Keys are never shown."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cli.environment import command_environment
from shared.catalog import load_catalog
from shared.errors import ConfigurationError
from shared.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from shared.catalog import Catalog, Provider
    from workers.providers import HttpClient


def providers(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    env = command_environment(environ, arguments.data_dir)
    catalog = load_catalog(Settings.from_env(env), env)
    if not catalog.providers:
        raise ConfigurationError("there are no providers: set RESPOOL_CONFIG, or OPENAI_API_KEY")
    if arguments.action == "list":
        _print_table(_listed(catalog))
        return 0
    return _test(catalog, arguments.name, arguments.model)


def _listed(catalog: Catalog) -> list[list[str]]:
    rows = [["NAME", "DIALECT", "HOST", "MODELS", "ALIASES"]]
    for account in catalog.providers.values():
        aliases = [
            alias
            for alias, targets in catalog.aliases.items()
            if any(target.provider == account.name for target in targets)
        ]
        name = f"{account.name} (default)" if account.name == catalog.default else account.name
        models = [ours if ours == theirs else f"{ours}={theirs}" for ours, theirs in account.models.items()]
        host = urlsplit(account.base_url).netloc
        rows.append([name, account.dialect, host, ", ".join(models) or "(any)", ", ".join(aliases) or "-"])
    return rows


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def _test(catalog: Catalog, name: str | None, model: str | None) -> int:
    from workers.providers import HttpClient

    if name is not None and name not in catalog.providers:
        known = ", ".join(catalog.providers)
        raise ConfigurationError(f"there is no provider {name!r}; there are: {known}")
    print("Each line below is a real request, small and paid for.", file=sys.stderr, flush=True)
    accounts = [account for account in catalog.providers.values() if name in (None, account.name)]
    with closing(HttpClient(pool_size=1)) as client:
        outcomes = [_works(account, _model(catalog, account, model), client) for account in accounts]
    return 0 if all(outcomes) else 1


def _model(catalog: Catalog, account: Provider, wanted: str | None) -> str | None:
    """As the provider calls it: the one asked for, else the first that the configuration knows."""
    if wanted is not None:
        return account.theirs(wanted)
    if account.models:
        return next(iter(account.models.values()))
    for alias, targets in catalog.aliases.items():
        for target in targets:
            if target.provider == account.name:
                return target.model or alias
    return None


def _works(account: Provider, model: str | None, client: HttpClient) -> bool:
    from cli.trials import TRIALS, attempt

    if model is None:
        _say(account.name, "", "no model is known: list some under `models`, or ask with `--model M`")
        return False
    works = True
    for trial in TRIALS:
        result = attempt(trial, account, model, client)
        _say(f"{account.name}/{model}", trial.name, result.said)
        works = works and result.ok is not False
        if result.settles:
            break
    return works


def _say(target: str, trial: str, said: str) -> None:
    print(f"{target}  {trial}: {said}" if trial else f"{target}  {said}", flush=True)
