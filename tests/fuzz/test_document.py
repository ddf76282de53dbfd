"""schemathesis against the OpenAPI document: what it says is what the product does.

Its requests come from the document; every answer must have a documented status, type, headers and
schema, and a request that the document forbids must be refused.
"""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.fuzz.rounds import MINUTES
from tests.support.stack import ROOT, Stack

CONFIG = ROOT / "tests" / "fuzz" / "schemathesis.toml"


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
@pytest.mark.timeout(0)
def test_product_when_asked_by_its_document_then_it_keeps_to_it(
    stack: Stack, key: str, tmp_path: Path
) -> None:
    program = Path(sysconfig.get_path("scripts")) / "schemathesis"
    document = stack.base_url.removesuffix("/v1") + "/openapi.json"
    examples = ["--phases", "fuzzing", "--max-examples", "6", "--generation-deterministic"]
    longer = ["--phases", "coverage,fuzzing,stateful", "--max-time", str(int(MINUTES * 60))]

    done = subprocess.run(
        [
            *(program, "--config-file", CONFIG, "--no-color", "run", document),
            *("--header", f"Authorization: Bearer {key}", "--exclude-tag", "Server"),
            *("--request-timeout", "30", "--continue-on-failure"),
            *(longer if MINUTES else examples),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120 + MINUTES * 120,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
