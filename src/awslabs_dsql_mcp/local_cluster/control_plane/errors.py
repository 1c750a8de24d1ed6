"""Errors of the API, with the names and members that AWS's model of Aurora DSQL gives them.

Source of names, members and reasons: botocore's service model ``dsql``, version 2018-05-10. Of the texts none
is recorded; they are ours. Errors of the signature are common to AWS's services (AWS General Reference,
"Common errors").
"""

from collections.abc import Mapping
from typing import Literal

Reason = Literal[
    "unknownOperation", "cannotParse", "fieldValidationFailed", "deletionProtectionEnabled", "other"
]


class ServiceError(Exception):
    """An error that the API answers with.

    Args:
        code: Its name.
        message: Its text.
        members: Its other members.
    """

    def __init__(self, code: str, message: str, **members: object) -> None:
        super().__init__(message)
        self.code, self.message, self.members = code, message, members


def invalid(message: str, field: str | None = None, reason: Reason | None = None) -> ServiceError:
    """Return the error for a request that is not valid.

    Args:
        message: What is wrong.
        field: The input's member that is wrong.
        reason: The reason; by default ``fieldValidationFailed`` of a field, else ``other``.
    """
    return not_valid(message, {field: message} if field else {}, reason)


def not_valid(message: str, fields: Mapping[str, str], reason: Reason | None) -> ServiceError:
    """Return the error for a request of which several members are not valid.

    Args:
        message: What is wrong.
        fields: Messages by the name of the member.
        reason: As for `invalid`.
    """
    chosen = reason or ("fieldValidationFailed" if fields else "other")
    listed = [{"name": name, "message": text} for name, text in fields.items()]
    return ServiceError(
        "ValidationException", message, reason=chosen, **({"fieldList": listed} if listed else {})
    )


def refuse_input(reason: Reason, message: str, fields: Mapping[str, str]) -> ServiceError:
    """Return the error for an input that AWS's model does not take."""
    return not_valid(message, fields, reason)


def not_offered(operation: str, why: str) -> ServiceError:
    """Return the error for an operation, or a part of one, that the local cluster has not.

    Args:
        operation: What is not offered.
        why: The reason, as a sentence.
    """
    return invalid(f"The local cluster does not offer {operation}. {why}", reason="unknownOperation")


def not_found(identifier: str, kind: str, where: str) -> ServiceError:
    """Return the error for a resource that does not exist.

    Args:
        identifier: Its id.
        kind: Its kind.
        where: The place where it was looked for, as a phrase.
    """
    message = f"There is no {kind} {identifier} {where}."
    return ServiceError("ResourceNotFoundException", message, resourceId=identifier, resourceType=kind)


def conflict(message: str, identifier: str) -> ServiceError:
    """Return the error for a request that does not fit the state of a cluster."""
    return ServiceError("ConflictException", message, resourceId=identifier, resourceType="cluster")


def over_quota(message: str) -> ServiceError:
    """Return the error for one cluster more than an account may have in a Region.

    The code of the quota is published nowhere, so it is one that AWS does not use.
    """
    return ServiceError(
        "ServiceQuotaExceededException",
        message,
        resourceId="-",
        resourceType="cluster",
        serviceCode="dsql",
        quotaCode="L-LOCAL",
    )
