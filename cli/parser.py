"""The command line's grammar, and nothing else.

Every command and flag of `respool` is declared here once; a test reads this tree to check the
commands that the documentation shows.
"""

from __future__ import annotations

import argparse
from pathlib import Path

POOLS = ("threads", "gevent", "solo")
DEFAULT_DATA_DIR = Path("var")
DEFAULT_HOST = "127.0.0.1"

_DATA_DIR_HELP = "use the database, Redis and secret key of this `respool dev` directory instead of the URLs"


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="respool", description="A gateway for the OpenAI Responses API that never loses a generation."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_dev(commands.add_parser("dev", help="run everything on this machine, for development"))
    _add_serve(commands.add_parser("serve", help="run the API"))
    _add_work(commands.add_parser("work", help="run a worker"))
    _add_db(commands.add_parser("db", help="bring the database's schema up to date, or check it"))
    _add_keys(commands.add_parser("keys", help="create, list and revoke API keys"))
    _add_providers(commands.add_parser("providers", help="show the configured providers, or call them"))
    return parser


def _add_dev(dev: argparse.ArgumentParser) -> None:
    dev.add_argument("--host", default=DEFAULT_HOST, help="address of the API (default: %(default)s)")
    dev.add_argument("--port", type=_port, help="port of the API (default: PORT, else 8000)")
    dev.add_argument(
        "--data-dir",
        type=Path,
        default=DEFAULT_DATA_DIR,
        metavar="D",
        help="where everything is kept (default: ./%(default)s)",
    )


def _add_serve(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("--host", default=DEFAULT_HOST, help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=_port, help="port to listen on (default: PORT, else 8000)")
    serve.add_argument(
        "--processes", type=_positive, default=1, metavar="N", help="API processes (default: %(default)s)"
    )
    _add_checked(serve)
    _add_data_dir(serve)


def _add_work(work: argparse.ArgumentParser) -> None:
    work.add_argument(
        "--concurrency",
        type=_positive,
        metavar="N",
        help="generations at a time (default: RESPOOL_WORKER_CONCURRENCY)",
    )
    work.add_argument("--pool", choices=POOLS, default="threads", help="Celery's pool (default: %(default)s)")
    _add_checked(work)
    _add_data_dir(work)


def _add_db(db: argparse.ArgumentParser) -> None:
    actions = db.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_data_dir(actions.add_parser("migrate", help="bring the schema up to date"))
    _add_data_dir(actions.add_parser("check", help="fail if the schema is not up to date"))


def _add_keys(keys: argparse.ArgumentParser) -> None:
    actions = keys.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="make a key; it is shown once, alone on the last line")
    create.add_argument("--tenant", type=_word, required=True, metavar="T", help="whose key it is")
    create.add_argument("--name", type=_word, default="default", metavar="N", help="what it is for")
    _add_data_dir(create)
    listing = actions.add_parser("list", help="id, tenant, name, created and revoked, tab-separated")
    _add_data_dir(listing)
    revoke = actions.add_parser("revoke", help="end a key at once")
    revoke.add_argument("id", metavar="ID", help="the key's id, as `respool keys list` shows it")
    _add_data_dir(revoke)


def _add_providers(providers: argparse.ArgumentParser) -> None:
    actions = providers.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="name, dialect, host and models of each, and the aliases")
    _add_data_dir(listing)
    test = actions.add_parser("test", help="call each with tiny requests, which are paid for")
    test.add_argument("name", nargs="?", metavar="NAME", help="only this provider")
    test.add_argument("--model", metavar="M", help="the model to ask for (default: the first one listed)")
    _add_data_dir(test)


def _add_checked(parser: argparse.ArgumentParser) -> None:
    """From `respool dev` to its children: what they need was checked, so a restart takes no time."""
    parser.add_argument("--checked", action="store_true", help=argparse.SUPPRESS)


def _add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", type=Path, metavar="D", help=_DATA_DIR_HELP)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _word(text: str) -> str:
    """Tenants and names stand in tab-separated lines and in logs."""
    if not text or text != text.strip() or not text.isprintable() or len(text) > 128:
        raise argparse.ArgumentTypeError("must be 1 to 128 printable characters, no blanks at the ends")
    return text
