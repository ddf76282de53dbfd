"""The billing ledger: every generation POST and every resume, by the caller's Idempotency-Key.

With a file, each start and each end is also appended to it as one JSON line and read back at the
next start; a call that was running when the process died is then `failed`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, BinaryIO

import orjson

ANONYMOUS = "anonymous"


class Call:
    """One line of the ledger, open until `end`; ending twice changes nothing."""

    __slots__ = ("_ledger", "_line", "detached", "words")

    def __init__(self, ledger: Ledger, line: dict[str, Any]) -> None:
        self._ledger = ledger
        self._line = line
        self.words = 0
        self.detached = False  # goes on when its client is gone

    @property
    def key(self) -> str:
        return str(self._line["key"])

    def note(self, **facts: Any) -> None:
        self._line.update(facts)

    def end(self, outcome: str) -> None:
        if self._line["outcome"] == "running":
            self._line.update(outcome=outcome, words=self.words, ended=time.time())
            self._ledger.write(self._line)

    def shown(self) -> dict[str, Any]:
        live = {"words": self.words} if self._line["outcome"] == "running" else {}
        return {k: v for k, v in {**self._line, **live}.items() if k not in ("n", "kind", "key")}


class Ledger:
    def __init__(self, path: Path | None = None) -> None:
        self._lines: dict[int, Call] = {}
        self._kinds: dict[int, tuple[str, str]] = {}
        self._next = 0
        self._file: BinaryIO | None = None
        if path is not None:
            self._reload(path)
            self._file = path.open("ab", buffering=0)

    def begin(self, key: str | None, client_request_id: str | None, **facts: Any) -> Call:
        """A generation POST."""
        return self._open("call", key, {"client_request_id": client_request_id, "model": None, **facts})

    def resume(self, key: str, **facts: Any) -> Call:
        """A GET that resumes the stream of the generation that `key` paid for."""
        return self._open("resume", key, facts)

    def report(self, only: str | None = None) -> dict[str, dict[str, list[dict[str, Any]]]]:
        shown: dict[str, dict[str, list[dict[str, Any]]]] = {"call": {}, "resume": {}}
        for number, (kind, key) in self._kinds.items():
            if only in (None, key):
                shown[kind].setdefault(key, []).append(self._lines[number].shown())
        return {"calls": shown["call"], "resumes": shown["resume"]}

    def reset(self) -> None:
        self._lines.clear()
        self._kinds.clear()
        if self._file is not None:
            self._file.truncate(0)

    def write(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(orjson.dumps(line) + b"\n")

    def _open(self, kind: str, key: str | None, facts: dict[str, Any]) -> Call:
        line = {"n": self._next, "kind": kind, "key": key or ANONYMOUS, **facts}
        line.update(started=time.time(), ended=None, outcome="running", words=0)
        self._next += 1
        call = self._keep(line)
        self.write(line)
        return call

    def _keep(self, line: dict[str, Any]) -> Call:
        call = Call(self, line)
        call.words = line["words"]
        self._lines[line["n"]] = call
        self._kinds[line["n"]] = (line["kind"], line["key"])
        return call

    def _reload(self, path: Path) -> None:
        if not path.exists():
            return
        for raw in path.read_bytes().splitlines():
            try:
                line = orjson.loads(raw)
            except orjson.JSONDecodeError:
                continue  # the last line of a killed process may be half a line
            self._keep(line)
            self._next = max(self._next, line["n"] + 1)
        for call in self._lines.values():
            call.end("failed")
