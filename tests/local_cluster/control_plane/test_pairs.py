"""A multi-Region pair: two endpoints over one database, made and deleted as AWS's guide says."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.local_cluster.api import Answer, Client, Clients, refusal
from support.local_cluster.logins import login

ONE, OTHER, WITNESS = "us-east-1", "us-east-2", "us-west-2"


def pending(api: Client, *peers: str, witness: str = WITNESS) -> Answer:
    """A multi-Region cluster."""
    properties = {"witnessRegion": witness, **({"clusters": list(peers)} if peers else {})}
    return api.create_cluster(deletionProtectionEnabled=False, multiRegionProperties=properties)


def name_peer(api: Client, cluster: Answer, *peers: Answer, witness: str = WITNESS) -> Answer:
    properties = {"witnessRegion": witness, "clusters": [peer["arn"] for peer in peers]}
    return api.update_cluster(identifier=cluster["identifier"], multiRegionProperties=properties)


def status(api: Client, cluster: Answer) -> str:
    return api.get_cluster(identifier=cluster["identifier"])["status"]


def delete(*clusters: tuple[Client, Answer]) -> None:
    for api, cluster in clusters:
        api.delete_cluster(identifier=cluster["identifier"])


@contextmanager
def pair(
    api_in: Clients, one: str = ONE, other: str = OTHER, witness: str = WITNESS
) -> Generator[list[Answer]]:
    """A pair that is set up."""
    here, there = api_in(one), api_in(other)
    first = pending(here, witness=witness)
    second = pending(there, first["arn"], witness=witness)
    name_peer(here, first, second, witness=witness)
    yield [
        here.get_cluster(identifier=first["identifier"]),
        there.get_cluster(identifier=second["identifier"]),
    ]
    delete((here, first), (there, second))


@pytest.fixture
def endpoints(api_in: Clients) -> Generator[tuple[str, str]]:
    with pair(api_in) as (first, second):
        yield first["endpoint"], second["endpoint"]


def test_a_pair_is_set_up_once_each_names_the_other(api_in: Clients) -> None:
    here, there = api_in(ONE), api_in(OTHER)
    first = pending(here)
    assert first["status"] == "PENDING_SETUP"
    assert first["multiRegionProperties"] == {"witnessRegion": WITNESS, "clusters": [first["arn"]]}
    second = pending(there, first["arn"])
    assert (status(here, first), second["status"]) == ("PENDING_SETUP", "PENDING_SETUP")
    name_peer(here, first, second)
    for api, cluster in ((here, first), (there, second)):
        whole = api.get_cluster(identifier=cluster["identifier"])
        assert whole["status"] == "ACTIVE"
        assert set(whole["multiRegionProperties"]["clusters"]) == {first["arn"], second["arn"]}
    delete((here, first))
    assert (status(here, first), status(there, second)) == ("PENDING_DELETE", "ACTIVE")
    delete((there, second))
    for api, cluster in ((here, first), (there, second)):
        assert refusal(lambda a=api, c=cluster: status(a, c)).code == "ResourceNotFoundException"


def test_a_pair_is_set_up_by_two_updates_too(api_in: Clients) -> None:
    here, there = api_in("eu-west-1"), api_in("eu-central-1")
    first, second = pending(here, witness="eu-west-2"), pending(there, witness="eu-west-2")
    name_peer(here, first, first, second, witness="eu-west-2")  # its own ARN may be among them
    assert status(there, second) == "PENDING_SETUP"
    name_peer(there, second, first, witness="eu-west-2")
    assert (status(here, first), status(there, second)) == ("ACTIVE", "ACTIVE")
    name_peer(there, second, first, witness="eu-west-2")  # nothing changes
    delete((here, first), (there, second))


def test_a_pending_cluster_is_deleted_alone(api_in: Clients) -> None:
    here, there = api_in(ONE), api_in(OTHER)
    first = pending(here)
    second = pending(there, first["arn"])
    delete((there, second), (here, first))
    for api, cluster in ((here, first), (there, second)):
        assert refusal(lambda a=api, c=cluster: status(a, c)).code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("region", "properties", "field", "told"),
    [
        (ONE, {"witnessRegion": ONE}, "witnessRegion", "cannot be the cluster's own"),
        (ONE, {"witnessRegion": "eu-west-1"}, "witnessRegion", "not of one set: Americas and Europe"),
        (ONE, {"witnessRegion": "sa-east-1"}, "witnessRegion", "sa-east-1 takes no part"),
        ("ap-east-1", {"witnessRegion": "ap-south-1"}, "witnessRegion", "ap-east-1 takes no part"),
        (ONE, {"witnessRegion": "mars-1"}, "witnessRegion", "mars-1 takes no part"),
        (ONE, {"clusters": []}, "witnessRegion", "needs a witness Region"),
        (ONE, {"witnessRegion": ""}, "witnessRegion", "needs a witness Region"),
        (ONE, {"witnessRegion": WITNESS, "clusters": ["us-east-2"]}, "clusters", "does not exist"),
        (ONE, {"witnessRegion": WITNESS, "clusters": ["us-east-1"]}, "clusters", "own Region"),
        (ONE, {"witnessRegion": WITNESS, "clusters": ["us-west-2"]}, "clusters", "in the witness Region"),
        (ONE, {"witnessRegion": WITNESS, "clusters": ["eu-west-1"]}, "clusters", "not of one set"),
        (ONE, {"witnessRegion": WITNESS, "clusters": ["us-east-2", "ca-west-1"]}, "clusters", "one peer"),
    ],
)
def test_regions_and_peers_that_do_not_fit_are_refused(
    region: str, properties: dict[str, Any], field: str, told: str, api_in: Clients
) -> None:
    api = api_in(region)
    arns = [
        f"arn:aws:dsql:{where}:000000000000:cluster/{'a' * 26}" for where in properties.get("clusters", [])
    ]
    given = {**properties, **({"clusters": arns} if "clusters" in properties else {})}
    refused = refusal(lambda: api.create_cluster(multiRegionProperties=given))
    assert (refused.code, refused.reason) == ("ValidationException", "fieldValidationFailed")
    assert refused.fields == [f"multiRegionProperties.{field}"]
    assert told in refused.message


def test_peers_are_named_from_pending_setup_alone(api_in: Clients) -> None:
    here, there = api_in(ONE), api_in(OTHER)
    with pair(api_in) as (first, second):
        refused = refusal(lambda: name_peer(here, first))
        assert (refused.code, refused.members["resourceType"]) == ("ConflictException", "cluster")
        refused = refusal(lambda: name_peer(here, first, second, witness="ca-west-1"))
        assert refused.code == "ConflictException"
        third = pending(there)
        refused = refusal(lambda: name_peer(there, third, first))
        assert refused.code == "ConflictException"
        assert refusal(lambda: pending(there, first["arn"])).code == "ConflictException"
        another = pending(there, witness="ca-west-1")
        fourth = pending(here)
        assert "another witness Region" in refusal(lambda: name_peer(here, fourth, another)).message
        delete((there, third), (there, another), (here, fourth))


def test_a_single_region_cluster_stays_one(api_in: Clients) -> None:
    here, there = api_in(ONE), api_in(OTHER)
    single = here.create_cluster(deletionProtectionEnabled=False)
    other = pending(there)
    for call in (
        lambda: name_peer(here, single, other),
        lambda: name_peer(there, other, single),
        lambda: pending(there, single["arn"]),
    ):
        refused = refusal(call)
        assert refused.code == "ValidationException"
        assert "single-Region cluster" in refused.message
    delete((here, single), (there, other))


def test_a_region_has_five_multi_region_clusters(api_in: Clients) -> None:
    api = api_in("ca-central-1")
    made = [pending(api) for _ in range(5)]
    refused = refusal(lambda: pending(api))
    assert refused.code == "ServiceQuotaExceededException"
    assert "5 multi-Region clusters" in refused.message
    made.append(api.create_cluster(deletionProtectionEnabled=False))
    delete(*((api, cluster) for cluster in made))


# ---- One database


def test_what_one_region_stores_the_other_reads(account: LocalCluster, endpoints: tuple[str, str]) -> None:
    with login(account, endpoints[0]) as here, login(account, endpoints[1], region=OTHER) as there:
        here.execute("CREATE TABLE t (id int PRIMARY KEY, n int)")
        here.execute("INSERT INTO t VALUES (1, 0)")
        assert there.execute("SELECT * FROM t").fetchone() == (1, 0)
        there.execute("DELETE FROM t")
        assert here.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_conflicts_cross_regions(account: LocalCluster, endpoints: tuple[str, str]) -> None:
    with login(account, endpoints[0]) as here, login(account, endpoints[1], region=OTHER) as there:
        here.execute("CREATE TABLE t (id int PRIMARY KEY, n int)")
        here.execute("INSERT INTO t VALUES (1, 0)")
        for connection in (here, there):
            connection.execute("BEGIN")
            connection.execute("UPDATE t SET n = n + 1 WHERE id = 1")
        here.execute("COMMIT")
        with pytest.raises(psycopg.errors.SerializationFailure, match="OC000"):
            there.execute("COMMIT")
        there.execute("ROLLBACK")
        there.execute("BEGIN")
        there.execute("SELECT * FROM t")
        here.execute("ALTER TABLE t ADD COLUMN more int")
        with pytest.raises(psycopg.errors.SerializationFailure, match="OC001"):
            there.execute("UPDATE t SET n = 5")


def test_roles_and_their_mappings_cross_regions(account: LocalCluster, endpoints: tuple[str, str]) -> None:
    with login(account, endpoints[0]) as here:
        here.execute("CREATE ROLE app WITH LOGIN")
        with pytest.raises(psycopg.OperationalError, match="access denied"):
            login(account, endpoints[1], user="app", region=OTHER)
        here.execute("AWS IAM GRANT app TO 'arn:aws:iam::123456789012:role/app'")
    with login(account, endpoints[1], user="app", region=OTHER) as there:
        assert there.execute("SELECT current_user").fetchone() == ("app",)


def test_a_token_of_the_other_region_is_refused(account: LocalCluster, endpoints: tuple[str, str]) -> None:
    for signed_for, region in ((endpoints[0], ONE), (endpoints[0], OTHER), (endpoints[1], ONE)):
        with pytest.raises(psycopg.OperationalError, match="access denied"):
            login(account, endpoints[1], signed_for=signed_for, region=region)


def test_a_pending_cluster_is_not_connected_to(account: LocalCluster, api_in: Clients) -> None:
    cluster = pending(api_in(ONE))
    with pytest.raises(psycopg.OperationalError, match="The cluster is PENDING_SETUP"):
        login(account, cluster["endpoint"])
    delete((api_in(ONE), cluster))


def test_the_data_stay_until_both_are_deleted(account: LocalCluster, api_in: Clients) -> None:
    here, there = api_in("eu-west-1"), api_in("eu-north-1")
    with pair(api_in, "eu-west-1", "eu-north-1", "eu-west-3") as (first, second):
        session = login(account, first["endpoint"], region="eu-west-1")
        session.execute("CREATE TABLE t (id int PRIMARY KEY)")
        delete((here, first))
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="The cluster is PENDING_DELETE"):
            login(account, first["endpoint"], region="eu-west-1")
        with login(account, second["endpoint"], region="eu-north-1") as other:
            assert other.execute("SELECT count(*) FROM t").fetchone() == (0,)
        assert status(there, second) == "ACTIVE"
