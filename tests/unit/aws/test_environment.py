"""Variables that lead to an account on this machine."""

from collections.abc import Mapping

import pytest

from awslabs_dsql_mcp.aws.environment import local_endpoints

HERE = "http://127.0.0.1:8080"
DSQL = {"AWS_ENDPOINT_URL_DSQL": HERE}


def test_an_account_on_this_machine_has_the_services_that_variables_name() -> None:
    urls = local_endpoints({**DSQL, "AWS_ENDPOINT_URL_BACKUP": HERE, "AWS_ENDPOINT_URL_SERVICE_QUOTAS": HERE})
    assert urls is not None
    assert {name for name, url in urls.items() if url} == {"dsql", "backup", "service-quotas"}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"AWS_ENDPOINT_URL_BACKUP": HERE},
        {"AWS_ENDPOINT_URL_DSQL": "https://dsql.us-east-1.api.aws"},
        {"AWS_ENDPOINT_URL_DSQL": "http://127.0.0.1.example.com"},
        {"AWS_ENDPOINT_URL_DSQL": "127.0.0.1"},
        {**DSQL, "AWS_ENDPOINT_URL": HERE},  # an emulator of all services
        {**DSQL, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    ],
    ids=str,
)
def test_all_else_is_aws(environ: Mapping[str, str]) -> None:
    assert local_endpoints(environ) is None
