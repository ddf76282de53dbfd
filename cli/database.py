"""`respool db` and `respool keys`: what an operator does to the store."""

from __future__ import annotations

import datetime
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from cli.environment import command_environment
from shared.ids import new_key
from shared.settings import Settings
from shared.store import migrate, open_store
from shared.store.keys import hash_key

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def database(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    migrating = arguments.action == "migrate"
    env = command_environment(environ, arguments.data_dir, create=migrating)
    settings = Settings.from_env(env).require("database_url")
    if migrating:
        prepare_schema(settings.database_url)
    else:
        migrate.check(settings.database_url)
    print("the database's schema is up to date")
    return 0


def keys(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = Settings.from_env(command_environment(environ, arguments.data_dir))
    return {"create": _create, "list": _list, "revoke": _revoke}[arguments.action](arguments, settings)


def _create(arguments: argparse.Namespace, settings: Settings) -> int:
    settings.require("database_url", "secret_key")
    key_id, key = create_key(settings.database_url, settings.secret_key, arguments.tenant, arguments.name)
    print(f"{key_id}: a key named {arguments.name!r} of tenant {arguments.tenant!r}")
    print("The key is shown this once and stored as a hash only:")
    print(key)
    return 0


def create_key(database_url: str, secret_key: str, tenant: str, name: str) -> tuple[str, str]:
    """A new key's id and the key itself."""
    migrate.check(database_url)
    key = new_key()
    with closing(open_store(database_url, pool_size=1)) as store:
        return store.keys.create(tenant, name, hash_key(secret_key, key)), key


def ensure_key(database_url: str, secret_key: str, tenant: str, known: str) -> str:
    """The known key while it still opens this database under this pepper, else a new one."""
    if known:
        with closing(open_store(database_url, pool_size=1)) as store:
            if store.keys.find(hash_key(secret_key, known)) is not None:
                return known
    return create_key(database_url, secret_key, tenant, "respool dev")[1]


def prepare_schema(database_url: str) -> None:
    migrate.upgrade(database_url)
    migrate.check(database_url)


def _list(arguments: argparse.Namespace, settings: Settings) -> int:
    del arguments
    settings.require("database_url")
    migrate.check(settings.database_url)
    with closing(open_store(settings.database_url, pool_size=1)) as store:
        for key in store.keys.list():
            print(key.id, key.tenant_id, key.name, _iso(key.created_at), _iso(key.revoked_at), sep="\t")
    return 0


def _revoke(arguments: argparse.Namespace, settings: Settings) -> int:
    settings.require("database_url")
    migrate.check(settings.database_url)
    with closing(open_store(settings.database_url, pool_size=1)) as store:
        revoked = store.keys.revoke(arguments.id)
    if not revoked:
        print(f"respool: no active key {arguments.id!r}: `respool keys list` shows them", file=sys.stderr)
        return 1
    print(f"{arguments.id} is revoked")
    return 0


def _iso(epoch: float | None) -> str:
    if epoch is None:
        return "-"
    return datetime.datetime.fromtimestamp(epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
