"""What can be measured: an address, what requests to it look like, and whose CPU counts.

A `Site` is what all targets of one run share: the scripted upstream, the cores, the generator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bench.driving import Crew, Groups, Json, Outcome, crew, drive
from bench.machine import Pinning
from upstream import launch

UPSTREAM_KEY = "upstream-key"


@dataclass(frozen=True)
class Target:
    name: str
    base_url: str
    key: str
    groups: Groups  # "server" is the target's own; others are shown beside
    headers: Mapping[str, str] = field(default_factory=dict)
    keyed: bool = False  # passes Idempotency-Key on, as going direct does
    model: Callable[[str], str] = lambda name: name  # what it calls the mock's models

    def spec(self, kind: str, method: str, path: str, **more: Any) -> Json:
        address = urlsplit(self.base_url)
        return {
            "kind": kind,
            "host": address.hostname,
            "port": address.port,
            "method": method,
            "path": address.path + path,
            "headers": {"Authorization": f"Bearer {self.key}", **self.headers},
            **more,
        }

    def body(self, model: str, **more: Any) -> Json:
        return {"model": self.model(model), "input": "How many boats come home?", **more}


@dataclass(frozen=True)
class Site:
    upstream: launch.Running
    pinning: Pinning
    generators: int = 1

    def direct(self) -> Target:
        """The upstream itself: what remains when there is no gateway."""
        return Target(
            "direct", self.upstream.url + "/v1", UPSTREAM_KEY, {"upstream": [self.upstream.pid]}, keyed=True
        )

    def drive(self, target: Target, spec: Json, before: Callable[[], None] | None = None) -> Outcome:
        workers = self.generators if spec["connections"] > 1 else 1
        return drive(spec, self.groups(target), workers=workers, cores=self.pinning.load, before=before)

    def crew(self, spec: Json) -> AbstractContextManager[Crew]:
        return crew(spec, workers=self.generators, cores=self.pinning.load)

    def groups(self, target: Target) -> Groups:
        return {"upstream": [self.upstream.pid], **target.groups}


__all__ = ["UPSTREAM_KEY", "Crew", "Site", "Target"]
