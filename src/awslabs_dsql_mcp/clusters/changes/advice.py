"""The next step in the words of who asked: a call of a tool, or a command line."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from awslabs_dsql_mcp.clusters.changes.order import Order

PROGRAM: Final = "awslabs-dsql-mcp"
_LOCAL: Final = "--local"
WORDS: Final[Mapping[str, str]] = {
    "protect": "protect",
    "unprotect": "unprotect",
    "tag": "tag",
    "untag": "untag",
    "back_up": "back-up",
    "delete": "delete",
}
"""The command of each action of a tool."""


class Advice(Protocol):
    """Words for the next step; each is part of a sentence, and begins with a small letter."""

    @property
    def is_server(self) -> bool:
        """True for a server, which may be connected to a cluster itself."""
        ...

    @property
    def again(self) -> str:
        """Say that the same is to be asked for again."""
        ...

    def create(self, order: Order) -> str:
        """Say how the same creation is asked for again."""
        ...

    def change(self, arn: str, action: str) -> str:
        """Name what carries out an action."""
        ...

    def action(self, action: str) -> str:
        """Name an action alone."""
        ...

    def look(self, arn: str = "") -> str:
        """Name what tells of a cluster, or of all."""
        ...

    def follow(self, arn: str, *, until_gone: bool = False) -> str:
        """Name what waits for a cluster."""
        ...

    def use(self, identifier: str, endpoint: str) -> str:
        """Say how a cluster is used."""
        ...

    def restore(self, point: str, region: str) -> str:
        """Name what restores a recovery point of a Region under a name to choose."""
        ...

    def unprotect_first(self, arn: str) -> str:
        """Say how a protected cluster is deleted."""
        ...

    def back_up_first(self, arn: str) -> str:
        """Say how a cluster without a recovery point is deleted."""
        ...


@dataclass(frozen=True)
class ToolAdvice:
    """Advice to a model."""

    is_server: bool = True
    again: str = "call again"

    def create(self, order: Order) -> str:  # noqa: ARG002 - a model knows its arguments
        """See `Advice`."""
        return "call create_cluster with the same arguments"

    def change(self, arn: str, action: str) -> str:
        """See `Advice`."""
        return f'change_cluster(cluster_id="{arn}", action="{action}")'

    def action(self, action: str) -> str:
        """See `Advice`."""
        return action

    def look(self, arn: str = "") -> str:  # noqa: ARG002 - as above
        """See `Advice`."""
        return "cluster_status"

    def follow(self, arn: str, *, until_gone: bool = False) -> str:
        """See `Advice`."""
        gone = " until it is gone" if until_gone else ""
        return f'cluster_status(cluster_id="{arn}", wait_s=45){gone}'

    def use(self, identifier: str, endpoint: str) -> str:  # noqa: ARG002 - as above
        """See `Advice`."""
        return f'give cluster="{identifier}" to a tool to use it'

    def restore(self, point: str, region: str) -> str:
        """See `Advice`."""
        return f'create_cluster(name=…, regions=["{region}"], recovery_point_arn="{point}")'

    def unprotect_first(self, arn: str) -> str:  # noqa: ARG002 - as above
        """See `Advice`."""
        return "if the user wants it deleted: change_cluster with action unprotect first, then delete"

    def back_up_first(self, arn: str) -> str:  # noqa: ARG002 - as above
        """See `Advice`."""
        return "back it up first (action back_up), or give without_backup=true if its data may be lost"


TO_MODEL: Final[Advice] = ToolAdvice()


@dataclass(frozen=True)
class CommandAdvice:
    """Advice to a person at a command line.

    Attributes:
        options: Options that choose the account.
        is_server: See `Advice`.
        again: Likewise.
    """

    options: Sequence[str] = ()
    is_server: bool = False
    again: str = "run it again"

    def run(self, *words: str) -> str:
        """Give a whole command, between backticks."""
        return f"`{shlex.join((PROGRAM, *words, *self.options))}`"

    def create(self, order: Order) -> str:
        """See `Advice`."""
        return f"run {self.run('clusters', *creation_words(order))} again"

    def change(self, arn: str, action: str) -> str:
        """See `Advice`."""
        return self.run("clusters", WORDS[action], arn)

    def action(self, action: str) -> str:
        """See `Advice`."""
        return WORDS[action]

    def look(self, arn: str = "") -> str:
        """See `Advice`."""
        return self.run("clusters", "show", arn) if arn else self.run("clusters", "list")

    def follow(self, arn: str, *, until_gone: bool = False) -> str:
        """See `Advice`."""
        return self.run("clusters", "wait", arn, *(("--deleted",) if until_gone else ()))

    def use(self, identifier: str, endpoint: str) -> str:  # noqa: ARG002 - its endpoint names it
        """See `Advice`."""
        if _LOCAL in self.options:
            folder = [option for option in self.options if option != _LOCAL]
            told = shlex.join((PROGRAM, "local", "--env", "--host", endpoint, *folder))
            return f"`{told}` tells how it is reached while the local cluster runs"
        return f"{self.run('doctor', '--cluster_endpoint', endpoint)} checks that it can be used"

    def restore(self, point: str, region: str) -> str:  # noqa: ARG002 - its ARN names it
        """See `Advice`."""
        return self.run("clusters", "restore", "NAME", point)

    def unprotect_first(self, arn: str) -> str:
        """See `Advice`."""
        return f"if it is to be deleted: {self.change(arn, 'unprotect')} first, then delete"

    def back_up_first(self, arn: str) -> str:
        """See `Advice`."""
        back_up = self.change(arn, "back_up")
        return f"back it up first ({back_up}), or give --without-backup if its data may be lost"


def creation_words(order: Order) -> tuple[str, ...]:
    """Give the words of ``clusters`` that order the same."""
    more = tuple(word for key, value in order.tags.items() for word in ("--tag", f"{key}={value}"))
    more += () if order.is_protected else ("--without-protection",)
    where = ("--regions", ",".join(order.regions), "--witness", order.witness) if order.is_pair else ()
    if order.point:
        return ("restore", order.name, order.point.arn, *where, *more)
    if order.is_pair:
        return ("pair", order.name, *where, *more)
    return ("create", order.name, "--region", order.regions[0], *more)


def sentence(text: str) -> str:
    """Begin a sentence with a capital letter."""
    return text[:1].upper() + text[1:]
