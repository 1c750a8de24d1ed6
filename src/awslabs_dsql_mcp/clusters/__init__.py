"""Clusters as AWS's APIs tell of them: state, peers, backup, usage and cost."""

from typing import Final

MAX_DAYS: Final = 90
"""Days whose usage is told at most."""

REPORTING_WORDS: Final = ("list", "show", "usage", "wait")
"""Commands behind ``clusters`` that tell of clusters."""

CHANGING_WORDS: Final = (
    "create",
    "pair",
    "restore",
    "protect",
    "unprotect",
    "tag",
    "untag",
    "back-up",
    "delete",
    "policy",
)
"""Commands behind ``clusters`` that change them, or tell who may."""
