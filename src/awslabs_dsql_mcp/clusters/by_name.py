"""A cluster that a person names by its tag Name: the one that has it, or the ids of those that do."""

from collections.abc import Sequence
from typing import Final

from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.asker import Asker
from awslabs_dsql_mcp.clusters.changes.creation.executor import clusters_in
from awslabs_dsql_mcp.clusters.changes.creation.settling import GONE
from awslabs_dsql_mcp.clusters.status import THIS, own_region
from awslabs_dsql_mcp.dsql.cluster_names import name_of
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.text import one_line

_NO_NAMES: Final = ("arn:", "https:")


async def by_name(given: str, account: Account, regions: Sequence[str], asker: Asker) -> str:
    """Give the ARN of the cluster of a name; what is no name, such as an identifier, is given as it is.

    Args:
        given: A name, an identifier, ARN or endpoint.
        account: The account, with its own Region.
        regions: Where to look for a name; none for the account's own Region.
        asker: Who asks.

    Raises:
        RequestInvalid: No cluster has the name, or several have it.
        DsqlError: AWS does not tell, or no Region is known.
    """
    name = given.strip()
    plain = name.lower()
    if not name or plain == THIS or name_of(name) or plain.startswith(_NO_NAMES) or plain.endswith(".on.aws"):
        return given
    places = regions or [own_region(account, asker)]
    found = [cluster for cluster in await clusters_in(account.api, places) if cluster.title == name]
    # One that is being deleted counts where no other has the name: somebody waits for its end.
    there = [cluster for cluster in found if cluster.status not in GONE] or found
    if len(there) == 1:
        return there[0].arn
    told = f"named {one_line(repr(name))} in {', '.join(places)}"
    if not there:
        raise RequestInvalid(
            f"No cluster is {told}, and that is no cluster's id (26 characters of a-z and 0-9), ARN or "
            "endpoint.",
            code="no_such_cluster",
            hint=asker.listing,
        )
    ids = ", ".join(f"{cluster.name.identifier} in {cluster.name.region}" for cluster in there)
    raise RequestInvalid(
        f"{len(there)} clusters are {told}: {ids}. Nothing was asked for.",
        code="name_taken",
        hint=f"Give the one that is meant by its ARN, such as {there[0].arn}. {asker.listing}",
    )
