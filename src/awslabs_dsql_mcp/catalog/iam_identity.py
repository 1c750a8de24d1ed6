"""IAM identities by their ARNs: those that AWS IAM GRANT takes, and those that a session shows.

Sources: IAM user guide, "IAM identifiers" (a session's ARN has the name of its role, not the path; that of a
single sign-on is never empty); Aurora DSQL user guide, "Using database roles and IAM authentication".
"""

import re
from dataclasses import dataclass, replace
from typing import Final

_IAM: Final = re.compile(r"arn:(aws[\w-]*):iam::(\d{12}):(role|user)/((?:[\w+=,.@-]+/)*)([\w+=,.@-]{1,64})")
_SESSION: Final = re.compile(
    r"arn:(aws[\w-]*):sts::(\d{12}):assumed-role/([\w+=,.@-]{1,64})/[\w+=,.@-]{1,64}"
)
_MAX: Final = 700  # characters; a path has up to 512


@dataclass(frozen=True)
class IamIdentity:
    """An IAM role or user.

    Attributes:
        partition: Its partition, such as ``aws``.
        account: Number of its account.
        kind: ``role`` or ``user``.
        name: Its name.
        path: Its path, empty or with a slash at its end; `None` where a session's ARN does not tell it.
    """

    partition: str
    account: str
    kind: str
    name: str
    path: str | None = None

    @property
    def arn(self) -> str:
        """Its ARN; without a path where that is not known."""
        return f"arn:{self.partition}:iam::{self.account}:{self.kind}/{self.path or ''}{self.name}"

    @property
    def has_unknown_path(self) -> bool:
        """True of a role of a single sign-on whose path is not known: it has one."""
        return self.path is None and self.name.startswith("AWSReservedSSO_")

    def may_be(self, other: "IamIdentity") -> bool:
        """True if both are the same as far as their paths are known."""
        path = self.path if other.path is None else other.path
        return replace(self, path=path) == replace(other, path=path if self.path is None else self.path)


def read_identity(arn: str) -> IamIdentity | None:
    """Read the ARN of an IAM role or user, or of a role's session; `None` for anything else."""
    arn = arn.strip()
    if len(arn) > _MAX:
        return None
    if session := _SESSION.fullmatch(arn):
        return IamIdentity(session[1], session[2], "role", session[3])
    found = _IAM.fullmatch(arn)
    return IamIdentity(found[1], found[2], found[3], found[5], found[4]) if found else None
