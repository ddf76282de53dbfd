"""`python -m upstream`: runs the scripted upstream until it is told to stop.

The first line on stdout says where it listens; nothing else is ever printed there.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

from upstream.app import App
from upstream.http_server import listen


def main() -> None:
    parser = argparse.ArgumentParser(prog="upstream", description="The scripted upstream.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--ledger", type=Path, default=None, help="append the ledger to this file")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the starter")
    asyncio.run(_serve(parser.parse_args()))


async def _serve(options: argparse.Namespace) -> None:
    server = await listen(App(options.ledger), options.host, options.port)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop)
    if options.until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), _stop_at_end_of_input)
    port = server.sockets[0].getsockname()[1]
    print(f"listening on http://{options.host}:{port}", flush=True)
    gc.freeze()
    await asyncio.Event().wait()


def _stop_at_end_of_input() -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        _stop()


def _stop() -> None:
    # At once: calls still running stay unfinished in the ledger file, since no client gave them up.
    os._exit(0)


if __name__ == "__main__":
    main()
