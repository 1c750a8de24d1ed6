"""Clusters as AWS's APIs tell of them: state, peers, backup, usage and cost."""

from typing import Final

MAX_DAYS: Final = 90
"""Days whose usage is told at most."""
