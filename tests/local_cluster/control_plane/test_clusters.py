"""Clusters of one Region are made, found, changed and deleted as AWS's model and guide say."""

from functools import partial
from typing import Any

import pytest

from support.local_cluster.api import Answer, Client, Clients, refusal

UNKNOWN = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def cluster(api: Client) -> Answer:
    return api.create_cluster(tags={"Name": "shop"})


def delete(api: Client, identifier: str) -> None:
    api.update_cluster(identifier=identifier, deletionProtectionEnabled=False)
    api.delete_cluster(identifier=identifier)


def identifiers(api: Client) -> set[str]:
    pages = api.get_paginator("list_clusters").paginate()
    return {cluster["identifier"] for page in pages for cluster in page["clusters"]}


def test_the_account_begins_with_the_cluster_that_was_there(api: Client) -> None:
    first, *_ = api.list_clusters()["clusters"]
    whole = api.get_cluster(identifier=first["identifier"])
    assert whole["status"] == "ACTIVE"
    assert whole["deletionProtectionEnabled"] is True
    assert whole["arn"] == f"arn:aws:dsql:us-east-1:000000000000:cluster/{first['identifier']}"
    api.update_cluster(identifier=first["identifier"], deletionProtectionEnabled=False)
    refused = refusal(lambda: api.delete_cluster(identifier=first["identifier"]))
    assert refused.code == "ConflictException"
    assert "deleted with its data folder" in refused.message


def test_a_cluster_is_made_and_waited_for_and_deleted(api: Client) -> None:
    made = api.create_cluster(tags={"Name": "shop"}, deletionProtectionEnabled=False)
    identifier = made["identifier"]
    assert made["endpoint"] == f"{identifier}.dsql.us-east-1.on.aws"
    api.get_waiter("cluster_active").wait(identifier=identifier, WaiterConfig={"Delay": 0})
    whole = api.get_cluster(identifier=identifier)
    assert (whole["status"], whole["tags"]) == ("ACTIVE", {"Name": "shop"})
    assert whole["deletionProtectionEnabled"] is False
    assert api.delete_cluster(identifier=identifier)["arn"] == made["arn"]
    api.get_waiter("cluster_not_exists").wait(identifier=identifier, WaiterConfig={"Delay": 0})
    assert identifier not in identifiers(api)


def test_a_protected_cluster_is_not_deleted(api: Client, cluster: Answer) -> None:
    refused = refusal(lambda: api.delete_cluster(identifier=cluster["identifier"]))
    assert (refused.code, refused.reason) == ("ValidationException", "deletionProtectionEnabled")
    delete(api, cluster["identifier"])


def test_a_cluster_is_of_one_region(api: Client, api_in: Clients, cluster: Answer) -> None:
    elsewhere = api_in("eu-west-1")
    assert elsewhere.list_clusters()["clusters"] == []
    for call in (
        lambda: elsewhere.get_cluster(identifier=cluster["identifier"]),
        lambda: elsewhere.update_cluster(identifier=cluster["identifier"]),
        lambda: elsewhere.delete_cluster(identifier=cluster["identifier"]),
        lambda: elsewhere.list_tags_for_resource(resourceArn=cluster["arn"]),
        lambda: api.get_cluster(identifier=UNKNOWN),
    ):
        refused = refusal(call)
        assert refused.code == "ResourceNotFoundException"
        assert refused.members["resourceType"] == "cluster"
    delete(api, cluster["identifier"])


def test_a_region_without_aurora_dsql_is_refused(api_in: Clients) -> None:
    refused = refusal(api_in("me-south-1").list_clusters)
    assert "knows no Region me-south-1" in refused.message


def test_the_same_token_gives_the_same_cluster(api: Client) -> None:
    given = {"clientToken": "once", "tags": {"Name": "a"}}
    first, second = api.create_cluster(**given), api.create_cluster(**given)
    assert first["identifier"] == second["identifier"]
    refused = refusal(lambda: api.create_cluster(clientToken="once", tags={"Name": "b"}))
    assert refused.code == "ConflictException"
    api.update_cluster(identifier=first["identifier"], deletionProtectionEnabled=False)
    for _ in range(2):
        gone = api.delete_cluster(identifier=first["identifier"], clientToken="gone")
        assert gone["identifier"] == first["identifier"]


def test_a_failed_call_is_not_remembered_by_its_token(api: Client, cluster: Answer) -> None:
    identifier = cluster["identifier"]
    refusal(lambda: api.delete_cluster(identifier=identifier, clientToken="again"))
    api.update_cluster(identifier=identifier, deletionProtectionEnabled=False)
    assert api.delete_cluster(identifier=identifier, clientToken="again")["identifier"] == identifier


def test_clusters_are_listed_page_by_page(api_in: Clients) -> None:
    api = api_in("sa-east-1")
    made = [api.create_cluster(deletionProtectionEnabled=False)["identifier"] for _ in range(12)]
    first = api.list_clusters()
    assert len(first["clusters"]) == 10
    api.delete_cluster(identifier=made[4])
    second = api.list_clusters(nextToken=first["nextToken"])
    assert [c["identifier"] for c in (*first["clusters"], *second["clusters"])] == made
    pages = api.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 5})
    assert [len(page["clusters"]) for page in pages] == [5, 5, 1]
    assert refusal(lambda: api.list_clusters(nextToken="elsewhere")).fields == ["nextToken"]
    for identifier in made[:4] + made[5:]:
        api.delete_cluster(identifier=identifier)


def test_a_region_has_twenty_single_region_clusters(api_in: Clients) -> None:
    api = api_in("ap-southeast-2")
    made = [api.create_cluster(deletionProtectionEnabled=False)["identifier"] for _ in range(20)]
    refused = refusal(api.create_cluster)
    assert refused.code == "ServiceQuotaExceededException"
    assert "20 single-Region clusters" in refused.message
    api.delete_cluster(identifier=made.pop())
    made.append(api.create_cluster(deletionProtectionEnabled=False)["identifier"])
    for identifier in made:
        api.delete_cluster(identifier=identifier)


def test_tags_are_added_and_taken_away(api: Client, cluster: Answer) -> None:
    arn = cluster["arn"]
    api.tag_resource(resourceArn=arn, tags={"team": "orders/eu", "a b=c@d": ""})
    assert api.list_tags_for_resource(resourceArn=arn)["tags"] == {
        "Name": "shop",
        "team": "orders/eu",
        "a b=c@d": "",
    }
    api.untag_resource(resourceArn=arn, tagKeys=["Name", "a b=c@d", "none"])
    assert api.get_cluster(identifier=cluster["identifier"])["tags"] == {"team": "orders/eu"}
    for tags, field in (
        ({"aws:made": "x"}, "tags"),
        ({"": "x"}, "tags key"),
        ({"k": "ö"}, "tags.k"),
        ({"k": "x" * 257}, "tags.k"),
        ({f"k{n}": "" for n in range(200)}, "tags"),
    ):
        refused = refusal(partial(api.tag_resource, resourceArn=arn, tags=tags))
        assert (refused.reason, refused.fields) == ("fieldValidationFailed", [field])
    delete(api, cluster["identifier"])


WRONG: list[tuple[dict[str, Any], str, str | None]] = [
    ({"deletionProtectionEnabled": "yes"}, "cannotParse", "deletionProtectionEnabled"),
    ({"clientToken": "with space"}, "fieldValidationFailed", "clientToken"),
    ({"clientToken": ""}, "fieldValidationFailed", "clientToken"),
    ({"metricGroups": [{"metricGroup": "ALL"}]}, "fieldValidationFailed", "metricGroups[0].metricGroup"),
    ({"metricGroups": [{}]}, "fieldValidationFailed", "metricGroups[0].metricGroup"),
    (
        {"multiRegionProperties": {"clusters": ["x"]}},
        "fieldValidationFailed",
        "multiRegionProperties.clusters[0]",
    ),
    ({"kmsEncryptionKey": "alias/mine"}, "unknownOperation", None),
    ({"policy": "{}"}, "unknownOperation", None),
]


@pytest.mark.parametrize(("given", "reason", "field"), WRONG)
def test_an_input_that_does_not_fit_is_refused(
    given: dict[str, Any], reason: str, field: str | None, api: Client
) -> None:
    refused = refusal(lambda: api.create_cluster(**given))
    assert (refused.code, refused.reason) == ("ValidationException", reason)
    assert refused.fields == ([field] if field else [])


def test_numbers_and_ids_are_checked_too(api: Client) -> None:
    for call in (
        lambda: api.list_clusters(maxResults=101),
        lambda: api.list_clusters(maxResults=0),
        lambda: api.get_cluster(identifier="short"),
        lambda: api.get_cluster(identifier="A" * 26),
    ):
        assert refusal(call).reason == "fieldValidationFailed"


def test_metric_groups_are_kept_and_named(api: Client, cluster: Answer) -> None:
    identifier = cluster["identifier"]
    groups = [{"metricGroup": "STATEMENT_STATISTICS"}]
    api.update_cluster(identifier=identifier, metricGroups=groups)
    assert api.get_cluster(identifier=identifier)["metricGroups"] == groups
    api.update_cluster(identifier=identifier, deletionProtectionEnabled=False)
    assert api.get_cluster(identifier=identifier)["metricGroups"] == groups
    api.update_cluster(identifier=identifier, metricGroups=[])
    assert api.get_cluster(identifier=identifier)["metricGroups"] == []
    api.delete_cluster(identifier=identifier)


def test_an_answer_is_json_in_one_piece(api: Client) -> None:
    answer = api.list_clusters()["ResponseMetadata"]
    assert answer["HTTPHeaders"]["content-type"] == "application/json"
    assert answer["RequestId"] == answer["HTTPHeaders"]["x-amzn-requestid"]
