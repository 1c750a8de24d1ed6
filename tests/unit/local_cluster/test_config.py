"""What is chosen of a local cluster's behaviour, as it is handed from process to process."""

from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig

SHARES = st.floats(0, 1)


@given(
    st.builds(
        ClusterConfig, conflict_rate=SHARES, seed=st.none() | st.integers(), honour_cancel=st.booleans()
    )
)
def test_it_is_read_as_written_on_one_line(config: ClusterConfig) -> None:
    assert "\n" not in config.to_json()
    assert ClusterConfig.from_json(config.to_json()) == config


def test_choices_are_what_differs_from_dsql() -> None:
    assert ClusterConfig().choices() == {}
    assert ClusterConfig(max_rows=10, seed=0).choices() == {"max_rows": 10, "seed": 0}
