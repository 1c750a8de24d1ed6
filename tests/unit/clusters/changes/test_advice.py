"""The commands that advice names order what they say, as the command line reads them."""

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.cluster_changes_command.arguments import Wanted, read_arguments
from awslabs_dsql_mcp.clusters import CHANGING_WORDS
from awslabs_dsql_mcp.clusters.changes.advice import TO_MODEL, WORDS, CommandAdvice, creation_words
from awslabs_dsql_mcp.clusters.changes.order import Order, read_order
from awslabs_dsql_mcp.clusters.changes.policy import own_policy

ARN = "arn:aws:dsql:us-east-1:000000000000:cluster/abcdefghijklmnopqrstuvwxyz"
POINT = "arn:aws:backup:us-east-1:000000000000:recovery-point:1-2-3"
PROFILE = CommandAdvice(("--profile", "two words"))

TAG = st.text("abc_.:/=+-@ ", min_size=1, max_size=9)
KEY = st.text("abc", min_size=1, max_size=9)
ORDERS = st.builds(
    read_order,
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True),
    st.just(("us-east-1",)),
    point=st.sampled_from(("", POINT)),
    tags=st.dictionaries(KEY, TAG, max_size=3),
    is_protected=st.booleans(),
) | st.builds(
    read_order,
    st.just("pair"),
    st.just(("us-east-1", "us-east-2")),
    st.just("us-west-2"),
    point=st.sampled_from(("", POINT)),
    tags=st.dictionaries(KEY, TAG, max_size=3),
    is_protected=st.booleans(),
)


def read(told: str) -> Wanted:
    """Read the one command that a text names between backticks."""
    (command,) = re.findall(r"`([^`]+)`", told)
    program, clusters, word, *others = shlex.split(command)
    assert (program, clusters) == ("awslabs-dsql-mcp", "clusters")
    return read_arguments(word, others)


@given(ORDERS)
def test_a_creation_that_is_named_is_the_same_creation(order: Order) -> None:
    wanted = read(PROFILE.create(order))
    assert wanted.order(str(wanted.settings.get("region", ""))) == order
    assert wanted.settings["profile"] == "two words"


@pytest.mark.parametrize("action", WORDS)
def test_a_change_that_is_named_is_that_change(action: str) -> None:
    if action in ("tag", "untag"):
        return  # no text names them without their tags
    wanted = read(PROFILE.change(ARN, action))
    assert wanted.cluster == ARN
    assert wanted.request.action == action


def test_a_refusal_names_the_command_before() -> None:
    assert read(PROFILE.unprotect_first(ARN)).word == "unprotect"
    assert read(PROFILE.back_up_first(ARN)).word == "back-up"
    assert "--without-backup" in PROFILE.back_up_first(ARN)


def test_every_word_of_an_action_is_a_command() -> None:
    assert set(WORDS.values()) < set(CHANGING_WORDS)
    assert {creation_words(read_order("a", ("us-east-1",)))[0]} < set(CHANGING_WORDS)


def test_a_model_is_told_of_tools_and_a_person_of_commands() -> None:
    order = read_order("a", ("us-east-1",))
    for advice, right, wrong in ((TO_MODEL, "_cluster", "awslabs"), (PROFILE, "awslabs", "_cluster")):
        told = (advice.create(order), advice.change(ARN, "delete"), advice.unprotect_first(ARN))
        assert all(right in text and wrong not in text for text in told)
    assert "cluster_status" in TO_MODEL.follow(ARN)
    assert "clusters wait" in PROFILE.follow(ARN)


def test_the_policy_allows_no_change_of_a_cluster_that_has_another_maker() -> None:
    """Statement by statement, as IAM judges: what a statement asks of the tag is not met."""
    changes = {"dsql:UpdateCluster", "dsql:DeleteCluster", "dsql:TagResource", "dsql:UntagResource"}
    for statement in own_policy()["Statement"]:
        held = statement.get("Condition", {})
        tag = "aws:ResourceTag/managed_by"
        asks = held.get("StringEquals", {}).get(tag) == "awslabs-dsql-mcp" or held.get("Null", {}).get(tag)
        assert asks or not changes & set(statement["Action"]), statement["Sid"]
