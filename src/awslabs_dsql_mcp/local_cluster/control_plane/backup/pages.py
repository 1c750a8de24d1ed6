"""Pages of lists. Pure."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from awslabs_dsql_mcp.local_cluster.control_plane.backup.errors import invalid_value
from awslabs_dsql_mcp.local_cluster.control_plane.service import Input, Output

_PAGE: Final = 100  # AWS's own number is not published


def page(
    name: str,
    whole: Sequence[Mapping[str, object]],
    key: str,
    given: Input,
    members: Collection[str] | None = None,
) -> Output:
    """Return the page of a list that an input asks for.

    Args:
        name: The list's member in the answer.
        whole: What is listed.
        key: Member by which one of them is known.
        given: The input.
        members: Members that the list tells; by default all.

    Raises:
        ServiceError: The token is not one of ours.
    """
    start = 0
    if "NextToken" in given:
        last = _read(given["NextToken"])
        start = next((i + 1 for i, each in enumerate(whole) if each[key] == last), -1)
        if start < 0:
            raise invalid_value("The NextToken is not one that this list has given, or is gone.")
    size: int = given.get("MaxResults", _PAGE)
    end = start + size
    told = [
        {k: v for k, v in each.items() if v is not None and (members is None or k in members)}
        for each in whole[start:end]
    ]
    answer: Output = {name: told}
    if end < len(whole):
        answer["NextToken"] = urlsafe_b64encode(str(whole[end - 1][key]).encode()).decode()
    return answer


def _read(token: str) -> str:
    try:
        return urlsafe_b64decode(token.encode()).decode()
    except ValueError:
        return ""
