"""A service of the account: its operations, and how it words what is common to AWS's services. Pure."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from awslabs_dsql_mcp.local_cluster.control_plane.account import Account, Answer, Moment
from awslabs_dsql_mcp.local_cluster.control_plane.errors import ServiceError

Input = Mapping[str, Any]
Output = dict[str, object]
Result = tuple[Account, Output]
Fault = Literal["unknownOperation", "cannotParse", "fieldValidationFailed", "other"]
"""Kinds of inputs that AWS's model does not take."""


@dataclass(frozen=True)
class Call:
    """What an operation knows beside its input.

    Attributes:
        region: The Region that the request is signed for.
        at: The time.
        new_identifier: Makes the id of a cluster.
        is_to_fail: Returns true if what is made was asked to fail.
    """

    region: str
    at: Moment
    new_identifier: Callable[[], str]
    is_to_fail: Callable[[str], bool] = lambda _: False


Operation = Callable[[Account, Call, Input], Result]


@dataclass(frozen=True)
class Service:
    """One of AWS's services.

    Attributes:
        name: Its name in signatures.
        model: The place of its model among botocore's.
        operations: Functions by the operation's name; those of the model that are missing are not offered.
        token: Member of an input that makes a repeated request the same one.
        message: Member of an error that has its text.
        fault: Name of the error for a fault of ours.
        refuse_input: Returns the error for an input that the model does not take: its kind, a text, and
            texts by the member that is wrong.
        refuse_token: Returns the error for a token that was used with another request.
        refuse_operation: Returns the error for an operation that is not offered.
    """

    name: str
    model: str
    operations: Mapping[str, Operation]
    token: str
    message: str
    fault: str
    refuse_input: Callable[[Fault, str, Mapping[str, str]], ServiceError]
    refuse_token: Callable[[Input], ServiceError]
    refuse_operation: Callable[[str], ServiceError]


def run(service: Service, operation: str, account: Account, call: Call, given: Input) -> Result:
    """Run an operation; the same token with the same input gives the same answer again.

    Args:
        service: The service.
        operation: The name of one of its operations.
        account: The account before it.
        call: What it knows beside its input.
        given: Its input.

    Returns:
        The account after it, and its answer.

    Raises:
        ServiceError: It is refused.
    """
    work = service.operations[operation]
    account = account.without_deleted(call.at)
    token = given.get(service.token)
    if token is None:
        return work(account, call, given)
    key = f"{call.region}/{operation}/{token}"
    digest = hashlib.sha256(json.dumps(dict(given), sort_keys=True).encode()).hexdigest()
    known = account.answers.get(key)
    if known is not None and known.request != digest:
        raise service.refuse_token(given)
    if known is not None:
        return account, dict(known.content)
    account, answer = work(account, call, given)
    return account.remember(key, Answer(digest, answer)), answer
