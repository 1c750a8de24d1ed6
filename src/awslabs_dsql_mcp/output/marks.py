"""Ids for the markers around what others wrote."""

import secrets


def new_nonce() -> str:
    """Draw an id that no row or page can know: digits, which tokenizers take three at once."""
    return f"{secrets.randbelow(10**12):012}"
