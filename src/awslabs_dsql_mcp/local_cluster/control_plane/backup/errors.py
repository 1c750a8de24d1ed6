"""Errors of AWS Backup, with the names of its model.

Source of names: botocore's service model ``backup``, version 2018-11-15, and the AWS Backup API reference. Of
the texts none is recorded; they are ours.
"""

from collections.abc import Mapping
from functools import partial

from awslabs_dsql_mcp.local_cluster.control_plane.errors import ServiceError
from awslabs_dsql_mcp.local_cluster.control_plane.service import Fault

invalid_value = partial(ServiceError, "InvalidParameterValueException")
invalid_request = partial(ServiceError, "InvalidRequestException")
invalid_state = partial(ServiceError, "InvalidResourceStateException")
missing_value = partial(ServiceError, "MissingParameterValueException")
not_found = partial(ServiceError, "ResourceNotFoundException")
already_exists = partial(ServiceError, "AlreadyExistsException")


def refuse_input(fault: Fault, message: str, fields: Mapping[str, str]) -> ServiceError:
    """Return the error for an input that AWS's model does not take."""
    if fault == "unknownOperation":
        return invalid_request(message)
    is_missing = bool(fields) and all(text == "is required" for text in fields.values())
    return missing_value(message) if is_missing else invalid_value(message)


def not_offered(operation: str, why: str) -> ServiceError:
    """Return the error for an operation, or a part of one, that the local account has not.

    Args:
        operation: What is not offered.
        why: The reason, as a sentence.
    """
    return invalid_request(f"The local cluster does not offer {operation}. {why}")
