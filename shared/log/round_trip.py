"""Commands that go to Redis together, past the client's pipeline, whose bookkeeping of each answer costs as
much as the answers do.

Connections, their pool, retries and errors are the client's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
from redis.commands.core import Script

from shared.log.guard import guarded, unavailable

Command = Sequence[Any]


def call(script: Script, keys: Sequence[str], arguments: Sequence[Any]) -> Command:
    return ("EVALSHA", script.sha, len(keys), *keys, *arguments)


def round_trip(client: redis.Redis, commands: Sequence[Command], scripts: Sequence[Script]) -> list[Any]:
    """An answer each. Those of `scripts` that this Redis does not know are brought, and called again.

    Raises LogUnavailable, also where a single command has failed.
    """
    answers = guarded(lambda: _exchange(client, commands))
    unknown = [i for i, a in enumerate(answers) if isinstance(a, redis.exceptions.NoScriptError)]
    if unknown:
        bring = [("SCRIPT", "LOAD", script.script) for script in scripts]
        again = guarded(lambda: _exchange(client, [*bring, *(commands[i] for i in unknown)]))
        for i, answer in zip(unknown, again[len(bring) :], strict=True):
            answers[i] = answer
    for answer in answers:
        if isinstance(answer, Exception):
            raise unavailable(answer) from answer
    return answers


def _exchange(client: redis.Redis, commands: Sequence[Command]) -> list[Any]:
    """Refusals are among the answers. Raises RedisError where the line is broken."""
    pool = client.connection_pool
    connection: Any = pool.get_connection()

    def exchange() -> list[Any]:
        connection.send_packed_command(connection.pack_commands(commands))
        return [_answer(connection) for _ in commands]

    try:
        answers: list[Any] = connection.retry.call_with_retry(exchange, lambda _: connection.disconnect())
        return answers
    finally:
        pool.release(connection)


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except redis.exceptions.ResponseError as refusal:
        return refusal
