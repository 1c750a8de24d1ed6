"""The person who decides: asked at the terminal, between two runs of an event loop.

Reading from the terminal blocks; outside of an event loop, Ctrl-C ends it at once.
"""

import sys

from awslabs_dsql_mcp.clusters.changes.proposal import Proposal, Weight
from awslabs_dsql_mcp.errors import NotConfirmed, RequestInvalid
from awslabs_dsql_mcp.text import as_line


class QuestionAsked(Exception):
    """The change waits for the answer to a question; nothing was changed.

    Args:
        proposal: What is asked about.
    """

    def __init__(self, proposal: Proposal) -> None:
        super().__init__("a person is asked")
        self.proposal = proposal


class PersonApproval:
    """Decides on one change by what a person has answered.

    Args:
        binding: What the person has agreed to; `None` if nobody was asked yet.
        is_agreed: Nobody has to be asked.
    """

    def __init__(self, binding: str | None, *, is_agreed: bool) -> None:
        self._binding = binding
        self._is_agreed = is_agreed

    def is_needed(self, weight: Weight) -> bool:
        """Return true if changes of this weight are asked about; others were asked for by who typed them."""
        return weight == "grave" and not self._is_agreed

    async def ask(self, proposal: Proposal) -> bool:
        """Compare a change with what was agreed to.

        Raises:
            QuestionAsked: Nobody was asked yet.
            RequestInvalid: It is another change now.
        """
        if self._binding is None:
            raise QuestionAsked(proposal)
        if proposal.binding != self._binding:
            raise RequestInvalid(
                "What was asked about has changed meanwhile: the cluster, its state or its recovery point. "
                "Nothing was changed.",
                code="state_changed",
                hint="Run it again, and read the facts anew.",
            )
        return True


def ask(proposal: Proposal, identifier: str) -> str:
    """Ask at the terminal; gives what is agreed to.

    Args:
        proposal: What is asked about.
        identifier: Identifier of the cluster, which the person types.

    Raises:
        NotConfirmed: There is no terminal, or something else was typed.
    """
    is_there = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
    if not is_there:
        raise NotConfirmed(
            f"{proposal.question} There is no terminal to ask at. Nothing was changed.",
            hint="Run it at a terminal; a script that has checked the id and the account gives --yes.",
        )
    told = "".join(f"{as_line(line)}\n" for line in proposal.text.splitlines())
    sys.stderr.write(f"{told}Type the cluster's id to go on: ")
    sys.stderr.flush()
    typed = sys.stdin.readline()
    if typed.strip().lower() != identifier:
        if not typed.endswith("\n"):
            sys.stderr.write("\n")
        raise NotConfirmed("That is not the cluster's id. Nothing was changed.")
    return proposal.binding
