"""One process of the load generator: `python -m bench.generator`, driven by `bench.driving`.

A job comes on stdin; `ready` goes out when connections are open and warm; after `go` the job runs;
`done` goes out the moment it ends, then its result. So the driver knows exactly what it measures.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys

from bench.jobs import KINDS


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    spec = json.loads(sys.stdin.readline())
    job = KINDS[spec["kind"]](spec)
    await job.prepare()
    gc.freeze()
    _say("ready")
    await loop.run_in_executor(None, sys.stdin.readline)  # connections go on being read
    await job.run()
    _say("done")
    _say(json.dumps(job.report()))
    await loop.run_in_executor(None, sys.stdin.readline)  # whoever holds streams holds them until told
    for connection in job.connections:
        connection.close()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve())
