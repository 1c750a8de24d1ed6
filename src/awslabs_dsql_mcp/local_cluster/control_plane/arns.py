"""Names of an account's resources."""

from typing import Final

ACCOUNT_ID: Final = "000000000000"


def arn(service: str, region: str, resource: str) -> str:
    """Write an ARN of the account (AWS General Reference, "Amazon Resource Names").

    Args:
        service: The service's name in ARNs.
        region: The Region.
        resource: Type and id, in the service's own form.
    """
    return f"arn:aws:{service}:{region}:{ACCOUNT_ID}:{resource}"
