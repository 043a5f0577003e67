"""Why a server could not be asked, in a few words: what `requests` raises is a paragraph."""

from __future__ import annotations

_SIGNS = {
    "Connection refused": "refuses the connection",
    "NameResolutionError": "has a host name that cannot be resolved",
}


def symptom_of(error: Exception, timeout: float) -> str:
    """Return what a server does, as a clause without its subject.

    Args:
        error: what `requests` raised.
        timeout: seconds that the answer could have taken.
    """
    import requests

    if isinstance(error, requests.Timeout):
        return f"did not answer within {timeout:g} s"
    if isinstance(error, requests.exceptions.SSLError):
        return "has a certificate that is not trusted"
    text = str(error)
    return next(
        (clause for sign, clause in _SIGNS.items() if sign in text), "breaks the connection"
    )
