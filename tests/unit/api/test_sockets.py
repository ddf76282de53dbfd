"""Looking at sockets, whatever their descriptors' numbers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from api.sockets import readable

ROOT = Path(__file__).resolve().parents[3]
# In an event loop, as in the API: its select would refuse the number as the plain one does.
_HIGH = """
from gevent import monkey
monkey.patch_all()
from api import polling
polling.install()
import os, resource, socket
from api.sockets import readable
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
left, right = socket.socketpair()
high = socket.socket(fileno=os.dup2(left.fileno(), 2000))
seen = [readable(high, 0)]
right.send(b"x")
seen.append(readable(high, 1))
high.recv(1)
seen.append(readable(high, 0))
right.close()
seen.append(readable(high, 1))
print(seen)
"""


def test_socket_when_silent_then_not_readable_and_with_data_or_at_its_end_readable() -> None:
    left, right = socket.socketpair()
    with left, right:
        silent = readable(left, 0)
        right.send(b"x")
        spoken = readable(left, 1)

    assert (silent, spoken) == (False, True)


def test_socket_when_its_number_is_above_1023_then_the_same_in_an_event_loop() -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", _HIGH], env=env, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[False, True, False, True]"


def test_socket_when_closed_then_an_error() -> None:
    left, right = socket.socketpair()
    left.close()
    right.close()

    with pytest.raises((OSError, ValueError)):
        readable(left, 0)
