"""Addresses of databases and servers, as people and logs may see them."""

from __future__ import annotations

import re
from urllib.parse import unquote

_URL = re.compile(r"(?<=\w://)(?:[^/@\s:'\"]*:[^\s'\"]*@|[^/@\s:'\"]*@)")
"""User and password before the host; the password may hold any sign, unescaped, but spaces."""
_OPTION = re.compile(r"(?i)((?:password|passwd|pwd|secret|token)=)[^&,;\s'\"]+")
_PASSWORD = re.compile(r"://[^/@\s:]*:(\S*)@")


def without_credentials(text: str, *addresses: str) -> str:
    """Return a text without the user and password of every URL in it, and without secret options.

    Args:
        text: an address, or a message that may tell one.
        addresses: addresses whose passwords are taken out wherever they stand in the text: a
            driver may tell a part of an address, or the password unescaped.
    """
    passwords = {found for address in addresses for found in _PASSWORD.findall(address)}
    passwords |= {unquote(password) for password in passwords}
    text = _OPTION.sub(r"\1***", _URL.sub("", text))
    for password in sorted(passwords - {""}, key=len, reverse=True):
        text = text.replace(password, "***")
    return text
