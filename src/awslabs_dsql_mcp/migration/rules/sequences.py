"""Statements about sequences."""

from typing import Final

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.migration.conversion import BY_HAND, Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.rules.tables import columns
from awslabs_dsql_mcp.migration.script.mentions import qualified_name, relation_name
from awslabs_dsql_mcp.sql.definitions import items, option
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_OF_PARTITION: Final = "a partition owns it, which is no table here: it stays by itself"


def create_sequence(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a CREATE SEQUENCE over, or keep its options for an identity."""
    sequence = relation_name(draft.top["sequence"])
    given = items(draft.top.get("options"))
    if (joined := conversion.survey.identities.get(sequence)) is not None:
        conversion.sequences[sequence] = given
        conversion.rename_sequence(joined.table, joined.column, sequence)
        own = conversion.renamed[sequence]
        why = f"it is the identity of {joined.table[1]}.{joined.column}, named {own[1]}"
        conversion.skip(draft, "it is the identity of its column" if own == sequence else why)
        return
    kept = columns.with_cache_size(given)
    owner = option(given, "owned_by")
    if owner is not None and _is_of_a_partition(conversion, owner):
        draft.changed(f"{BY_HAND}{_OF_PARTITION}")
    elif owner is not None:
        kept.append({"DefElem": owner})
    if kept != given:
        draft.top["options"] = kept
        draft.changed(f"a sequence is bigint, its cache {limits.SMALL_CACHE}")
    if draft.top["sequence"].get("relpersistence") == "u":
        draft.top["sequence"]["relpersistence"] = "p"
        draft.changed("UNLOGGED left out")
    conversion.taken(sequence[0]).add(sequence[1])
    conversion.statements.append(draft)


def _is_of_a_partition(conversion: Conversion, owner: Node) -> bool:
    """Say if OWNED BY names a column of a partition."""
    named = strings(owner["arg"]["List"]["items"])
    return len(named) > 1 and qualified_name(named[:-1]) in conversion.survey.partitions.roots


def alter_sequence(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry an ALTER SEQUENCE over; an identity's sequence is owned already."""
    given = items(draft.top.get("options"))
    joined = conversion.statement.mentions.relations
    names = {relation_name(relation) for relation in joined}
    owned = [item for item in given if item["DefElem"].get("defname") == "owned_by"]
    if owned and names & set(conversion.renamed.values()):
        given = [item for item in given if item not in owned]
        draft.top["options"] = given
        if not given:
            conversion.skip(draft, "an identity owns its sequence")
            return
    if any(_is_of_a_partition(conversion, item["DefElem"]) for item in owned):
        given = draft.top["options"] = [item for item in given if item not in owned]
        conversion.skip(draft, _OF_PARTITION, human=True)
        if not given:
            return
        draft.changed("OWNED BY left out")
    kept = [item for item in given if item["DefElem"].get("defname") not in ("as", "logged")]
    if kept == given:
        conversion.statements.append(draft)
    elif kept:
        draft.top["options"] = kept
        draft.changed("a sequence is bigint")
        conversion.statements.append(draft)
    else:
        conversion.skip(draft, "a sequence is bigint")
