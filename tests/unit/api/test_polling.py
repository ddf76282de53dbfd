"""Looking at sockets in an event loop: at once, or giving way while it waits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_LOOP = """
from gevent import monkey
monkey.patch_all()
from api import polling
polling.install()
import gevent, select, socket
left, right = socket.socketpair()
poll = select.poll()
poll.register(left, select.POLLIN)
ran = []
gevent.spawn(lambda: (ran.append(1), right.send(b"x")))
print(poll.poll(0), ran)
print(poll.poll(5000) == [(left.fileno(), select.POLLIN)], ran)
print(poll.poll(0) == [(left.fileno(), select.POLLIN)])
poll.unregister(left)
print(poll.poll(0), poll.poll(1))
"""


def test_poll_when_it_only_looks_then_nobody_else_runs_and_when_it_waits_then_others_do() -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", _LOOP], env=env, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["[] []", "True [1]", "True", "[] []"]
