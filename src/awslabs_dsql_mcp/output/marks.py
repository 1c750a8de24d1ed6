"""Ids for the markers around what others wrote."""

import secrets


def fresh_mark() -> str:
    """Draw an id that no row or page can know: digits, which tokenizers take three at once."""
    return f"{secrets.randbelow(10**12):012}"
