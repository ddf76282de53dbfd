"""Whether a client's socket has something to read, for any number of open files.

`select.select` refuses descriptors of 1024 and above: a process with many streams would take their
clients for gone.
"""

from __future__ import annotations

import select
import socket


def readable(sock: socket.socket, seconds: float) -> bool:
    """Data, an end or an error within `seconds`. Raises OSError or ValueError for a closed socket."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
