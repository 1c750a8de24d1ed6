"""Types that a script defines: enums, composite types, collations."""

from awslabs_dsql_mcp.dsql.unsupported import STATEMENTS
from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.script.mentions import qualified_name, relation_name
from awslabs_dsql_mcp.sql.definitions import items, option
from awslabs_dsql_mcp.sql.parse_tree import constant, strings


def create_enum(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Keep an enum's labels for what is made of it."""
    labels = [item["String"].get("sval", "") for item in items(draft.top.get("vals"))]
    conversion.types.enums[qualified_name(strings(draft.top["typeName"]))] = labels
    conversion.skip(draft, "an enum: its columns are varchar with CHECK")


def alter_enum(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Change an enum's labels; what was made of it keeps its CHECK, so a human is asked then."""
    name = qualified_name(strings(draft.top["typeName"]))
    label, old = draft.top.get("newVal"), draft.top.get("oldVal")
    labels = conversion.types.enums.get(name)
    if (
        labels is None
        or label is None
        or (old is not None and (old not in labels or name in conversion.types.used))
    ):
        conversion.skip(draft, "Aurora DSQL has no enums: change the CHECK of the columns", blocks=True)
        return
    if old is not None:
        labels[labels.index(old)] = label
    elif label not in labels:
        neighbor = draft.top.get("newValNeighbor")
        at = (
            labels.index(neighbor) + bool(draft.top.get("newValIsAfter"))
            if neighbor in labels
            else len(labels)
        )
        labels.insert(at, label)
    conversion.types.renew_checks(name)
    conversion.skip(draft, "a label: in the CHECK of the columns")


def create_composite(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Note a row type: its columns hold JSON."""
    conversion.types.composites.add(relation_name(draft.top["typevar"]))
    conversion.skip(draft, "a composite type: its columns are jsonb", human=True)


def define(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Leave a DEFINE-like statement out, with note of a collation that is not deterministic."""
    top = draft.top
    given = items(top.get("definition"))
    kind, flag = top["kind"], option(given, "deterministic")
    copied = qualified_name(
        strings((option(given, "from") or {}).get("arg", {}).get("List", {}).get("items")) or [""]
    )
    is_off = flag is not None and str(constant(flag.get("arg"))).lower() in ("false", "off", "0")
    if kind == "OBJECT_COLLATION" and (is_off or copied in conversion.types.collations):
        conversion.types.collations.add(qualified_name(strings(top["defnames"])))
    conversion.skip(draft, STATEMENTS[draft.kind].dispensable, human=STATEMENTS[draft.kind].needs_review)
