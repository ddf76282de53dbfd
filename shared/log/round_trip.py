"""Commands that go to Redis together, past the client's pipeline, whose bookkeeping of each answer costs as
much as the answers do.

Connections, retries and errors are the client's. The connections are not given back to its pool in between,
which counts and examines each whenever it hands it out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import redis
from redis.commands.core import Script

from shared.log.guard import guarded, unavailable

Command = Sequence[Any]
_KEPT = 16  # lines; the client's pool has a limit, and others live from it


def call(script: Script, keys: Sequence[str], arguments: Sequence[Any]) -> Command:
    return ("EVALSHA", script.sha, len(keys), *keys, *arguments)


class Lines:
    def __init__(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool
        self._idle: deque[Any] = deque()  # the last one used is the next one

    def round_trip(self, commands: Sequence[Command], scripts: Sequence[Script]) -> list[Any]:
        """An answer each. Those of `scripts` that this Redis does not know are brought, and called again.

        Raises LogUnavailable, also where a single command has failed.
        """
        answers = guarded(lambda: self._exchange(commands))
        unknown = [i for i, a in enumerate(answers) if isinstance(a, redis.exceptions.NoScriptError)]
        if unknown:
            bring = [("SCRIPT", "LOAD", script.script) for script in scripts]
            again = guarded(lambda: self._exchange([*bring, *(commands[i] for i in unknown)]))
            for i, answer in zip(unknown, again[len(bring) :], strict=True):
                answers[i] = answer
        for answer in answers:
            if isinstance(answer, Exception):
                raise unavailable(answer) from answer
        return answers

    def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Refusals are among the answers. Raises RedisError where the line is broken."""
        connection = self._line()

        def exchange() -> list[Any]:
            connection.send_packed_command(connection.pack_commands(commands))
            return [_answer(connection) for _ in commands]

        try:
            answers: list[Any] = connection.retry.call_with_retry(exchange, lambda _: connection.disconnect())
        except BaseException:
            connection.disconnect()  # nobody may read what is still to come; the next to use it connects anew
            raise
        finally:
            if len(self._idle) < _KEPT:
                self._idle.append(connection)
            else:
                self._pool.release(connection)
        return answers

    def _line(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            return self._pool.get_connection()


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except redis.exceptions.ResponseError as refusal:
        return refusal
