"""`respool`: reads the command line and calls the command.

What the operator did wrong is said on stderr with what to do, a line a mistake, and exit status 2.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from cli.parser import build_parser
from shared.errors import ConfigurationError, RespoolError, StoreUnavailable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)
    try:
        return _run(arguments, os.environ if environ is None else environ)
    except StoreUnavailable as error:
        print(
            f"respool: cannot use the database ({error}): check DATABASE_URL and that it runs",
            file=sys.stderr,
        )
        return 2
    except ConfigurationError as error:
        # a file may have several mistakes: a line each
        print("respool:", str(error).strip(), file=sys.stderr)
        return 2
    except RespoolError as error:
        print("respool:", " ".join(str(error).split()), file=sys.stderr)
        return 2
    except BrokenPipeError:
        # `respool keys list | head`: the reader has what it wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Each command imports what it needs: `serve` must not load SQL, nor `keys` a server."""
    if arguments.command == "dev":
        from cli.dev import dev

        return dev(arguments, environ)
    if arguments.command in {"serve", "work"}:
        from cli import roles

        role = roles.serve if arguments.command == "serve" else roles.work
        role(arguments, environ)
    if arguments.command == "providers":
        from cli.providers import providers

        return providers(arguments, environ)
    from cli import database

    command = database.database if arguments.command == "db" else database.keys
    return command(arguments, environ)
