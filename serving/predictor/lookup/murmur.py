"""MurmurHash3 (x86, 32 bits), by which Feast names the fields of its hashes in Redis.

Austin Appleby's algorithm, https://github.com/aappleby/smhasher; it runs once a feature, at start.
"""

from __future__ import annotations

_MASK = 0xFFFF_FFFF


def murmur3_32(data: bytes) -> int:
    """Return the hash of some bytes with seed 0, an unsigned integer of 32 bits."""
    state = 0
    whole = len(data) & ~3
    for place in range(0, whole, 4):
        state ^= _mixed(int.from_bytes(data[place : place + 4], "little"))
        state = (_rotated(state, 13) * 5 + 0xE654_6B64) & _MASK
    state ^= _mixed(int.from_bytes(data[whole:], "little"))
    state ^= len(data)
    state = ((state ^ state >> 16) * 0x85EB_CA6B) & _MASK
    state = ((state ^ state >> 13) * 0xC2B2_AE35) & _MASK
    return state ^ state >> 16


def _mixed(block: int) -> int:
    return (_rotated(block * 0xCC9E_2D51 & _MASK, 15) * 0x1B87_3593) & _MASK


def _rotated(number: int, bits: int) -> int:
    return (number << bits | number >> (32 - bits)) & _MASK
