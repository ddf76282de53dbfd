"""The events of an ended response as its archive keeps them: one zlib stream of all frames."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

_FAST = 1
_SMALLEST, _LARGEST = 9, 15  # of a window, as a power of two; what zlib knows


def packed(frames: Iterable[bytes]) -> bytes:
    """With tables as large as the text needs: clearing the usual ones takes longer than a short answer."""
    text = b"".join(frames)
    window = min(max(len(text).bit_length(), _SMALLEST), _LARGEST)
    packer = zlib.compressobj(_FAST, zlib.DEFLATED, window, min(window - 7, zlib.DEF_MEM_LEVEL))
    return packer.compress(text) + packer.flush()


def unpacked(archive: bytes) -> bytes:
    """The frames, concatenated, whatever the window was."""
    return zlib.decompress(archive)
