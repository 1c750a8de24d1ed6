"""Whatever a server sends as a plan is survived, and stays in proportion."""

from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.explain.findings import dpu_text, findings
from awslabs_dsql_mcp.explain.index_advisor import candidates
from awslabs_dsql_mcp.explain.plan import parse_plan, without_noise

KINDS = ["Seq Scan", "Nested Loop", "Limit", "Storage Lookup", "B-Tree Scan", "Full Scan", "?"]
ACTUALS = ["", " (actual rows=3 loops=0)", " (actual time=1..2 rows=0.5 loops=9)", " (never executed)"]
DETAILS = ["Filter", "Filters", "Output", "Projections", "Rows Removed by Filter", "Sort Method"]
LINES = st.one_of(
    st.text(max_size=60),
    st.builds(
        "{}{}{}{}  (cost={}..{} rows={} width=1){}".format,
        st.integers(0, 12).map(" ".__mul__),
        st.sampled_from(["", "-> ", "->  "]),
        st.sampled_from(KINDS),
        st.sampled_from(["", " on t", ' using i on "T x".t a', " on ", " using "]),
        st.integers(0, 10**6),
        st.integers(0, 10**6),
        st.integers(0, 10**40),
        st.sampled_from(ACTUALS),
    ),
    st.builds(
        "{}{}: {}".format,
        st.integers(0, 12).map(" ".__mul__),
        st.sampled_from(DETAILS),
        st.one_of(st.text(max_size=30), st.integers(0, 10**40).map(str), st.just("(a = 1)")),
    ),
)


@given(st.lists(LINES, max_size=30).map("\n".join))
def test_any_text_is_a_plan(text: str) -> None:
    plan = parse_plan(text)
    assert len(plan.nodes) <= len(text.splitlines())
    assert all(node.parent is None or node.parent < place for place, node in enumerate(plan.nodes))
    assert all(isinstance(finding, str) for finding in findings(plan))
    assert len(candidates(plan)) <= len(plan.nodes)
    assert len(without_noise(text)) <= len(text) + 30
    assert isinstance(dpu_text(plan.dpus), str)
