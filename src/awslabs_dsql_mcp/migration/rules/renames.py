"""RENAME and SET SCHEMA: what the script made is known by its new name from then on."""

from typing import Final

from awslabs_dsql_mcp.dsql.objects import is_object
from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.rules import domains, functions
from awslabs_dsql_mcp.migration.script.mentions import Name, object_name, qualified_name, relation_name
from awslabs_dsql_mcp.sql.parse_tree import Node

_DOMAINS: Final = ("OBJECT_DOMAIN", "OBJECT_TYPE")


def rename(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a RENAME over; what the script made is known by its new name from then on."""
    top = draft.top
    kind: str = top["renameType"]
    if kind == "OBJECT_TYPE":
        old = qualified_name(object_name(top["object"]))
        if conversion.types.rename(old, (old[0], top["newname"])):
            conversion.skip(draft, "a type that is not carried over")
            return
    subject: Node = top.get("relation") or top.get("object") or {}
    if (needed := conversion.survey.lacking.subject(kind, subject)) is not None:
        conversion.skip(draft, f"it is about {needed}, which is left out")
        return
    if "relation" in top:
        conversion.lost.rename(kind, top)
    if kind in ("OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY"):
        conversion.skip(draft, "it is about what is not carried over")
        return
    if "CONSTRAINT" in kind and _is_of_what_is_lost(conversion, top):
        conversion.skip(draft, domains.LEFT_OUT)
        return
    if kind == "OBJECT_MATVIEW":
        top["renameType"] = "OBJECT_VIEW"
        draft.changed("of a plain view")
    if "relation" in top:
        _renamed(conversion, kind, relation_name(top["relation"]), top)
    else:
        _know_as(conversion, kind, subject, {"newname": top["newname"]})
    conversion.statements.append(draft)


def _know_as(conversion: Conversion, kind: str, subject: Node, change: Node) -> None:
    """Know a function or a domain by its new name or schema from now on."""
    if not ("ObjectWithArgs" in subject or kind in _DOMAINS):
        return
    old = qualified_name(object_name(subject))
    new = (change.get("newschema", old[0]), change.get("newname", old[1]))
    if kind in _DOMAINS:
        domains.rename(conversion, old, new)
    else:
        functions.rename(conversion, subject, new)


def _is_of_what_is_lost(conversion: Conversion, top: Node) -> bool:
    """Say if a constraint is renamed that is left out, which then has the new name."""
    named = top.get("relation")
    owner = relation_name(named) if named else qualified_name(object_name(top["object"]))
    lost = conversion.lost_constraints.get(owner, set[str]())
    if top["subname"] not in lost:
        return False
    lost.add(top["newname"])
    return True


def _renamed(conversion: Conversion, kind: str, old: Name, top: Node) -> None:
    new: str = top["newname"]
    made = conversion.tables.get(old)
    if kind == "OBJECT_COLUMN":
        _rename_column(conversion, old, top["subname"], new)
    elif kind == "OBJECT_TABCONSTRAINT":
        _rename_part(conversion, old[0], top["subname"], new)
        conversion.constraints.get(old, set[str]()).discard(top["subname"])
        conversion.constraints.setdefault(old, set()).add(new)
        checked = conversion.not_null.get(old, {})
        checked.update((column, new) for column, check in checked.items() if check == top["subname"])
        if made is not None:
            made.dropped.add(top["subname"])
    elif kind in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE", "OBJECT_MATVIEW"):
        conversion.free(old[0], [old[1]])
        conversion.taken(old[0]).add(new)
        _moved(conversion, old, (old[0], new))
        if kind == "OBJECT_INDEX":
            _rename_part(conversion, old[0], old[1], new)


def _rename_column(conversion: Conversion, table: Name, old: str, new: str) -> None:
    made = conversion.tables.get(table)
    changed = conversion.columns.get(table, {})
    if old in changed:
        changed[new] = changed.pop(old)
    names = conversion.view_columns.get(table, [])
    names[:] = [new if name == old else name for name in names]
    if made is not None and old in made.names:
        made.names = {new if name == old else name: own for name, own in made.names.items()}
    checked = conversion.not_null.get(table, {})
    if old in checked:
        checked[new] = checked.pop(old)
    for named in made.relations.values() if made is not None else ():
        if old in named:
            named.remove(old)
            named.add(new)


def _rename_part(conversion: Conversion, schema: str, old: str, new: str) -> None:
    """Call an index or a constraint by another name."""
    named = conversion.constraints_of(schema)
    if old in named:
        named.remove(old)
        named.add(new)
    for (owner, _), made in conversion.tables.items():
        if owner == schema and old in made.relations:
            made.relations[new] = made.relations.pop(old)
            made.dropped.add(old)
            conversion.free(schema, [old])
            conversion.taken(schema).add(new)
            if made.primary[-1:] == [old]:
                made.primary.append(new)


def _moved(conversion: Conversion, old: Name, new: Name) -> None:
    conversion.lost.move(old, new)
    if old in conversion.other_rows:
        conversion.other_rows[new] = conversion.other_rows.pop(old)
    if (made := conversion.tables.pop(old, None)) is not None:
        made.known_as.append(new)
        conversion.tables[new] = made
        if new[0] != old[0]:
            conversion.free(old[0], [old[1], *made.relations])
            conversion.taken(new[0]).update([new[1], *made.relations])
    for parts in (conversion.constraints, conversion.lost_constraints):
        if old in parts:
            parts[new] = parts.pop(old)
    if old in conversion.not_null:
        conversion.not_null[new] = conversion.not_null.pop(old)
    if old in conversion.columns:
        conversion.columns[new] = conversion.columns.pop(old)
    if old in conversion.view_columns:
        conversion.view_columns[new] = conversion.view_columns.pop(old)
    if old in conversion.views:
        conversion.views.remove(old)
        conversion.views.add(new)


def set_schema(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry SET SCHEMA over."""
    top = draft.top
    kind: str = top.get("objectType", "OBJECT_TABLE")
    subject: Node = top.get("relation") or top.get("object") or {}
    if (needed := conversion.survey.lacking.subject(kind, subject)) is not None or not is_object(top):
        conversion.skip(draft, f"it is about {needed or 'what is not carried over'}, which is left out")
        return
    if "relation" in top:
        old = relation_name(top["relation"])
        _moved(conversion, old, (top["newschema"], old[1]))
    else:
        _know_as(conversion, kind, subject, {"newschema": top["newschema"]})
    conversion.statements.append(draft)
