"""Proposal of a change, put before a person, or behind a dry run's token. Pure."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from awslabs_dsql_mcp.clusters.changes.ownership import is_own
from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.text import one_line

Weight = Literal["light", "usual", "grave"]
"""``grave`` is asked under every policy, ``usual`` under ``auto``, ``light`` under ``always`` alone."""

_IN_USE: Final = frozenset({"ACTIVE", "IDLE", "INACTIVE", "UPDATING"})
_MAX_NAME: Final = 80


@dataclass(frozen=True)
class Proposal:
    """A change that is about to be made.

    Attributes:
        tool: The tool that makes it.
        question: What is asked, in a line.
        facts: What the one who decides has to know, a line each.
        binding: What an agreement holds for: when it differs, it is another change.
        weight: How grave it is.
        is_own: It touches what this server has made, and nothing else.
        command: The command of AWS's CLI by which a person does the same.
        undone: What is said if nobody agrees.
    """

    tool: str
    question: str
    facts: Sequence[str]
    binding: str
    weight: Weight
    is_own: bool
    command: str = ""
    undone: str = "Nothing was changed."

    @property
    def text(self) -> str:
        """The question with its facts."""
        return "\n".join((self.question, *(f"- {fact}" for fact in self.facts)))


class Approver(Protocol):
    """Who decides on changes: a person, a policy, a token."""

    def is_needed(self, weight: Weight) -> bool:
        """Return true if changes of this weight are put before somebody."""
        ...

    async def ask(self, proposal: Proposal) -> bool:
        """Put a change before somebody; true is agreement to exactly that.

        Raises:
            DsqlError: There is none, with the reason.
        """
        ...


def quoted(text: str) -> str:
    """Quote what somebody has written, as JSON does, on one line."""
    return json.dumps(one_line(text, _MAX_NAME), ensure_ascii=False)


def state_of(cluster: Cluster) -> list[object]:
    """Give what of a cluster's state an agreement is bound to: that it sleeps makes no difference."""
    status = "in use" if cluster.status in _IN_USE else cluster.status
    peers = sorted(peer.identifier for peer in cluster.peers)
    return [
        cluster.arn,
        status,
        cluster.is_protected,
        cluster.created.isoformat(),
        cluster.title,
        is_own(cluster),
        peers,
    ]


def bind(action: str, account: str, *parts: object) -> str:
    """Give the text that an agreement to an action is bound to."""
    text = json.dumps([action, account, *parts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
