"""Comparison of the definitions that a plan means with those of the catalog."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final

from awslabs_dsql_mcp.catalog.reader import CatalogReader
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.migration.script.mentions import Name
from awslabs_dsql_mcp.migration.verification import stored as stored_definitions
from awslabs_dsql_mcp.migration.verification.definitions import Definitions, FunctionKey, Relation
from awslabs_dsql_mcp.migration.verification.differences import (
    Difference,
    domain_differences,
    function_differences,
    invalid_indexes,
    relation_differences,
    sequence_differences,
)
from awslabs_dsql_mcp.migration.verification.findings import Comparison
from awslabs_dsql_mcp.sql.identifiers import TableName
from awslabs_dsql_mcp.sql.parse_tree import Node
from awslabs_dsql_mcp.text import one_line

_MAX_TOLD: Final = 3
_WITH_COLUMNS: Final = ("table", "view", "materialized view")


class DefinitionComparer:
    """Compares definitions with those of the catalog.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._catalog = CatalogReader(database)

    async def compare(self, meant: Definitions, found: Comparison, *, is_over: Callable[[], bool]) -> None:
        """Compare each definition, and add to the results.

        Args:
            meant: The definitions.
            found: The results.
            is_over: Tells if the call's time is over.
        """
        for name, relation in meant.relations.items():
            await self._one(
                ".".join(name), partial(self._relation, name, relation, is_done=True), found, is_over
            )
        for name, domain in meant.domains.items():
            await self._one(f"domain {'.'.join(name)}", partial(self._domain, name, domain), found, is_over)
        for key, function in meant.functions.items():
            await self._one(
                f"function {'.'.join(key[0])}", partial(self._function, key, function), found, is_over
            )

    async def different(self, meant: Definitions) -> str:
        """Say how definitions differ from what is stored under their names; empty if they do not.

        Raises:
            DsqlError: What `Database.run` raises.
        """
        found: list[str] = []
        for name, relation in meant.relations.items():
            differences = await self._relation(name, relation, is_done=False)
            found += [f"{'.'.join(name)}: {one.text}" for one in differences if one.is_certain]
        for name, domain in meant.domains.items():
            differences = await self._domain(name, domain)
            found += [f"domain {'.'.join(name)}: {one.text}" for one in differences if one.is_certain]
        return "; ".join(found[:_MAX_TOLD])

    async def _one(
        self,
        title: str,
        compare: Callable[[], Awaitable[Iterable[Difference]]],
        found: Comparison,
        is_over: Callable[[], bool],
    ) -> None:
        if is_over():
            found.not_compared.append(f"{title}: this call's time is over")
            return
        found.objects += 1
        try:
            differences = list(await compare())
        except DsqlError as error:
            found.not_compared.append(f"definition of {title}: {one_line(error.message, 200)}")
            return
        found.differences += [f"{title}: {one.text}" for one in differences if one.is_certain]
        undecided = [f"{title}: {one.text}" for one in differences if not one.is_certain]
        found.undecided += len(undecided)
        found.not_compared += undecided

    async def _relation(self, name: Name, meant: Relation, *, is_done: bool) -> list[Difference]:
        """Compare a table, a view or a sequence with what is stored under its name.

        Args:
            name: The name.
            meant: What is meant.
            is_done: Its indexes are to be valid.
        """
        if meant.unknown:
            return [Difference(meant.unknown, is_certain=False)]
        rows = await self._ask(stored_definitions.kind_query(name))
        kind = stored_definitions.KINDS.get(str(rows[0][0]), "relation of another kind") if rows else ""
        if not kind:
            return [Difference(f"the {meant.kind or 'table'} is not there")]
        stored = Relation(kind)
        if kind in _WITH_COLUMNS:
            (table,) = await self._catalog.tables(TableName(*name))
            stored = stored_definitions.relation(table)
        found: list[Difference] = []
        if any(aspect.startswith("identity ") for column in meant.columns.values() for aspect in column):
            stored_definitions.add_identities(
                stored, await self._ask(stored_definitions.identities_query(name))
            )
        found += relation_differences(meant, stored)
        if is_done:
            found += invalid_indexes(meant, stored)
        if kind == "sequence" and meant.kind in ("", kind) and not meant.unknown:
            found += await self._sequence(name, meant)
        if meant.grants:
            found += await self._grants(name, meant)
        return found

    async def _sequence(self, name: Name, meant: Relation) -> Iterable[Difference]:
        options, state = [await self._ask(query) for query in stored_definitions.sequence_queries(name)]
        stored = stored_definitions.sequence_options(options[0]) if options else {}
        last = int(state[0][0] or 0) if state else None
        return sequence_differences(meant.options, meant.value, stored, last)

    async def _grants(self, name: Name, meant: Relation) -> list[Difference]:
        rows = await self._ask(stored_definitions.grants_query(name, list(meant.grants)))
        has = {(row[0], row[1]): row[2] == "t" for row in rows}
        found: list[Difference] = []
        for (role, privilege), is_granted in meant.grants.items():
            if (role, privilege) not in has:
                found.append(Difference(f"privileges of {role}: there is no such role"))
            elif has[role, privilege] != is_granted:
                text = f"{role} {'has' if not is_granted else 'lacks'} {privilege}, unlike the script"
                found.append(Difference(text, is_certain=is_granted or role == "public"))  # or through a role
        return found

    async def _domain(self, name: Name, meant: Node) -> list[Difference]:
        rows = await self._ask(stored_definitions.domain_query(name))
        if not rows:
            return [Difference("it is not there")]
        return list(domain_differences(meant, stored_definitions.domain(name, rows[0]).domains[name]))

    async def _function(self, key: FunctionKey, meant: Node) -> list[Difference]:
        rows = await self._ask(stored_definitions.functions_query(key[0]))
        there = stored_definitions.functions(rows).functions
        if key not in there:
            return [Difference("it is not there with these parameters")]
        return list(function_differences(meant, there[key]))

    async def _ask(self, query: Query) -> Sequence[Sequence[str | None]]:
        report = await self._database.run(UnitOfWork((query,), read_only=True))
        return report.results[0].rows
