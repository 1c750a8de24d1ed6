"""Any text is answered, and ordinary depth passes."""
# ruff: noqa: S608 - SQL is what this is about, and none of it is run

import subprocess
import sys
import threading

import pytest

from awslabs_dsql_mcp.guard.guard import check, inspect

MILLION = 1_000_000
HOSTILE = {
    "blanks": " " * 2 * MILLION,
    "quotes": "'" * 2 * MILLION,
    "double quotes": '"' * 2 * MILLION,
    "parentheses": "(" * 2 * MILLION,
    "brackets": "[" * MILLION,
    "dashes": "-" * 2 * MILLION,
    "comments": "/*" * MILLION,
    "semicolons": ";" * MILLION,
    "dollars": "$" * MILLION,
    "backslashes": "\\" * MILLION,
    "letters": "a" * 2 * MILLION,
    "NUL": "SELECT 1" + "\0" * MILLION,
    "surrogates": "\ud800" * MILLION,
    "nested parentheses": "SELECT " + "(" * 100_000 + "1" + ")" * 100_000,
    "nested arrays": "SELECT ARRAY" + "[" * 50_000 + "]" * 50_000,
    "nested calls": "SELECT " + "f(" * 50_000 + ")" * 50_000,
    "nested comments": "SELECT 1 " + "/* " * 100_000 + "*/ " * 100_000 + "; DROP TABLE t",
    "nested comments without blanks": "SELECT 1 " + "/*" * 20_000 + "*/" * 20_000 + "; DROP TABLE t",
    "signs": "SELECT " + "+-" * 100_000 + "1",
    "UNION": "SELECT 1" + " UNION SELECT 1" * 60_000,
    "operators": "SELECT 1" + "+1" * 300_000,
    "casts": "SELECT 1" + "::int" * 150_000,
    "values": "SELECT 1" + ",1" * 400_000,
    "statements": "SELECT 1;" * 50_000,
    "NOT": "SELECT " + "NOT " * 100_000 + "true",
    "CASE": "SELECT " + "CASE WHEN " * 50_000,
    "subqueries": "SELECT * FROM (" * 20_000,
    "an open string": "SELECT E'" + "\\'" * 400_000,
    "dollar tags": "SELECT " + "$a$ $b$ " * 50_000,
    "an error in a long text": "SELECT '" + "x" * 900_000 + "' FORM FORM",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_refused_briefly(text: str) -> None:
    refusal = check(text, writes=True)
    assert refusal is not None
    assert len(str(refusal)) < 500
    str(refusal).encode()


ABSURD = {
    "operator runs": "SELECT 1 " + ("+" + "-+" * 120 + " 1 ") * 400,
    "operators": "SELECT 1" + " + 1" * 20_000,
    "postfix operators": "SELECT 1" + " IS NULL" * 10_000,
    "branches": "SELECT 1" + " UNION SELECT 1" * 10_000,
    "a list": "SELECT 1" + ",1" * 90_000,
}


@pytest.mark.parametrize("text", ABSURD.values(), ids=ABSURD)
def test_absurd_but_legal_text_is_answered(text: str) -> None:
    """How deep Python's `json` reads depends on its version; above that, size decides."""
    refusal = check(text, writes=False)
    assert refusal is None or refusal.rule == "too-complex"


DEEP = {
    "operators": "SELECT 1" + " + 1" * 1_000,
    "AND": "SELECT * FROM t WHERE a = 1" + " AND b = 2" * 1_000,
    "concatenation": "SELECT 'a'" + " || 'a'" * 1_000,
    "calls": "SELECT " + "lower(" * 500 + "'A'" + ")" * 500,
    "subqueries": "SELECT * FROM (" * 100 + "SELECT 1" + ") AS s" * 100,
    "UNION": " UNION ALL ".join(["SELECT 1"] * 1_000),
    "values": "SELECT * FROM t WHERE id IN (" + ", ".join(map(str, range(10_000))) + ")",
    "rows": "VALUES " + ", ".join(f"({n}, 'name {n}', NULL)" for n in range(3_000)),
    "joins": "SELECT * FROM t0" + "".join(f" JOIN t{n} ON t{n}.id = t0.id" for n in range(1, 200)),
    "cases": "SELECT CASE" + "".join(f" WHEN a = {n} THEN {n}" for n in range(1_000)) + " END FROM t",
    "queries by name": "WITH " + ", ".join(f"q{n} AS (SELECT {n})" for n in range(500)) + " SELECT * FROM q1",
    "a long literal": "SELECT '" + "x" * 900_000 + "'",
    "a banner": "/*" + "*" * 2_000 + "*/\n--" + "-" * 2_000 + "\nSELECT '" + "=" * 2_000 + "'",
    "nested comments": "SELECT 1 " + "/* " * 50 + "*/ " * 50,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_ordinary_depth_passes(text: str) -> None:
    assert check(text, writes=False) is None
    assert inspect(text).category == "read"


def test_what_hides_deep_is_found() -> None:
    deep = "SELECT 1" + " + 1" * 3_000 + " + nextval('s')"
    refusal = check(deep, writes=False)
    assert refusal is not None
    assert refusal.column == len("SELECT 1" + " + 1" * 3_000 + " + ") + 1


def test_a_thread_with_a_small_stack_is_enough() -> None:
    outcomes: list[object] = []

    def answer(text: str) -> None:
        outcomes.append(check(text, writes=False))

    texts = ("SELECT 1" + "+1" * 490, "SELECT ARRAY" + "[" * 490 + "]" * 490, DEEP["operators"])
    usual = threading.stack_size(512 * 1024)
    try:
        threads = [threading.Thread(target=answer, args=(text,)) for text in texts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert threading.stack_size() == 512 * 1024
    finally:
        threading.stack_size(usual)
    assert outcomes == [None, None, None]


def test_importing_the_guard_loads_no_parser() -> None:
    program = (
        "import sys, awslabs_dsql_mcp.guard.guard; "
        "print([name for name in sys.modules if name.startswith('postgast')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
