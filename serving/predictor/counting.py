"""How many values a JSON body has, told before it is decoded.

Decoding holds the interpreter's lock, and with it every other request, from the first byte to the
last, and millions of values take long. To count signs is quick, and lets others run.
"""

from __future__ import annotations

import numpy as np


def has_more_values(body: bytes, most: int) -> bool:
    """Return whether a body has more values, lists and objects than some number.

    Each of them comes after a comma or a bracket, and no other of these stand outside of texts.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) <= most:
        return False
    return _outside_texts(body) > most


def _outside_texts(body: bytes) -> int:
    """Return how many commas and opening brackets stand outside of texts, if this is JSON."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    signs = np.frombuffer(body, np.uint8)
    inside = np.bitwise_xor.accumulate((signs == ord('"')).view(np.uint8))
    starts = (signs == ord(",")) | (signs == ord("[")) | (signs == ord("{"))
    return int(np.count_nonzero(starts > inside))
