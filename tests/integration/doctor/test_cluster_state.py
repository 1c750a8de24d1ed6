"""The doctor tells the states of a cluster apart before it connects, as AWS's API has them."""

from collections.abc import AsyncIterator

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from integration.doctor.conftest import Practice
from support.local_cluster.api import client


@pytest.fixture(scope="module")
async def account(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalCluster]:
    """A local cluster with an account of its own."""
    folder = tmp_path_factory.mktemp("account")
    async with local_cluster(folder / "data") as running:
        yield running


@pytest.fixture
def asked(practice: Practice, account: LocalCluster) -> Practice:
    assert account.api_url
    practice.set(
        AWS_ACCESS_KEY_ID=account.access_key,
        AWS_SECRET_ACCESS_KEY=account.secret_key,
        AWS_ENDPOINT_URL_DSQL=account.api_url,
        PGHOSTADDR="127.0.0.1",
        PGPORT=str(account.port),
        PGSSLROOTCERT=str(account.ca_file),
    )
    return practice


def endpoint(identifier: str) -> str:
    return f"{identifier}.dsql.us-east-1.on.aws"


async def test_a_cluster_that_takes_connections_is_active(asked: Practice, account: LocalCluster) -> None:
    (default,) = client(account).list_clusters()["clusters"]
    report = await asked.examine(endpoint=endpoint(default["identifier"]))
    assert report["Cluster"].outcome.message == "ACTIVE; deletion protection is on."
    assert report["Login"].state == "ok"


async def test_a_cluster_without_its_peer_is_told_before_the_login(
    asked: Practice, account: LocalCluster
) -> None:
    made = client(account).create_cluster(multiRegionProperties={"witnessRegion": "us-west-2"})
    report = await asked.examine(endpoint=endpoint(made["identifier"]))
    assert report["Cluster"].outcome.code == "pending_setup"
    assert report["Cluster"].state == "failed"
    assert "PENDING_SETUP: it waits for its peer" in report["Cluster"].outcome.message
    assert report["Login"].outcome.code == "cluster_not_available"
    assert report["Login"].outcome.message.endswith("The cluster is PENDING_SETUP, which explains it.")
    assert report["Login"].outcome.remedy == "See what the check Cluster advises."
    assert report["Identity"].state == "skipped"


async def test_a_cluster_that_is_not_there_is_told(asked: Practice) -> None:
    report = await asked.examine(endpoint=endpoint("a" * 26))
    assert report["Cluster"].outcome.code == "no_such_cluster"


async def test_a_state_that_may_not_be_read_is_only_a_warning(asked: Practice) -> None:
    asked.set(AWS_ACCESS_KEY_ID="AKIAANOTHERKEY000000")
    report = await asked.examine(endpoint=endpoint("a" * 26))
    assert report["Cluster"].state == "warning"
    assert report["Cluster"].outcome.message.startswith("Not known: ")


async def test_an_endpoint_of_another_name_is_not_asked_about(asked: Practice) -> None:
    report = await asked.examine(endpoint="localhost")
    assert report["Cluster"].outcome.message.startswith("Not asked: ")
