"""Resources: the schema, a diagram of it, roles and the guide, at addresses that a client can complete."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.output.tool_output import render
from awslabs_dsql_mcp.server.resource_reader import ResourceReader
from awslabs_dsql_mcp.text import Shown, as_line

_MARKDOWN: Final = "text/markdown"
_MERMAID: Final = "text/vnd.mermaid"
# Titles and descriptions.
_TABLES: Final = ("Tables", "All tables and views, a line each.")
_TABLE: Final = ("Table", "A table or view: columns, keys both ways, indexes, definition.")
_DIAGRAM: Final = ("Diagram", "Tables and foreign keys as Mermaid.")
_DIAGRAM_OF: Final = ("Diagram of a schema", "A schema's tables and foreign keys as Mermaid.")
_ROLES: Final = ("Roles", "Database roles: their IAM identities, and what they may do by schema.")
_GUIDE: Final = ("Guide", "The pages of the guide to Aurora DSQL.")
_PAGE: Final = ("Page of the guide", "What Aurora DSQL does differently, by subject.")


@dataclass(frozen=True)
class ResourceSpec:
    """One resource, or a template of resources.

    Attributes:
        uri: Its address, or a template of addresses (RFC 6570, level 1).
        function: Reads it; its parameters are the template's.
        title: For people.
        description: For people and models.
        mime_type: What it is.
    """

    uri: str
    function: Callable[..., Shown | Awaitable[Shown]]
    title: str
    description: str
    mime_type: str = "text/plain"


class ResourceTable(Protocol):
    """Resources, as the server needs them."""

    @property
    def specs(self) -> tuple[ResourceSpec, ...]:
        """All resources, in the order in which clients list them."""
        ...

    async def complete(self, uri: str, argument: str, value: str, known: Mapping[str, str]) -> list[Shown]:
        """Complete a part of an address."""
        ...


class Resources:
    """The resources of the only cluster.

    Args:
        reader: Reads them.
    """

    def __init__(self, reader: ResourceReader) -> None:
        self._reader = reader

    @property
    def specs(self) -> tuple[ResourceSpec, ...]:
        """All resources, in the order in which clients list them."""
        reader = self._reader
        return (
            ResourceSpec("dsql://schema", reader.tables, *_TABLES),
            ResourceSpec("dsql://schema/{schema}/{table}", reader.table, *_TABLE),
            ResourceSpec("dsql://diagram", reader.diagram, *_DIAGRAM, _MERMAID),
            ResourceSpec("dsql://diagram/{schema}", reader.diagram_of, *_DIAGRAM_OF, _MERMAID),
            ResourceSpec("dsql://roles", reader.roles, *_ROLES),
            ResourceSpec("dsql://guide", reader.index, *_GUIDE, _MARKDOWN),
            ResourceSpec("dsql://guide/{page}", reader.page, *_PAGE, _MARKDOWN),
        )

    async def complete(self, uri: str, argument: str, value: str, known: Mapping[str, str]) -> list[Shown]:
        """Complete a part of an address."""
        return await self._reader.complete(uri, argument, value, known)


class ClusterResources:
    """The resources of several clusters; the guide is the same for all.

    Args:
        clusters: Each worded on a line, by name.
        readers: The reader of each.
    """

    def __init__(self, clusters: Mapping[str, str], readers: Mapping[str, ResourceReader]) -> None:
        self._clusters = clusters
        self._readers = readers
        self._guide = Resources(next(iter(readers.values())))

    @property
    def specs(self) -> tuple[ResourceSpec, ...]:
        """All resources, in the order in which clients list them."""
        at = "dsql://clusters/{cluster}"
        return (
            ResourceSpec("dsql://clusters", self.clusters, "Clusters", "The clusters, a line each."),
            ResourceSpec(f"{at}/schema", self.tables, *_TABLES),
            ResourceSpec(f"{at}/schema/{{schema}}/{{table}}", self.table, *_TABLE),
            ResourceSpec(f"{at}/diagram", self.diagram, *_DIAGRAM, _MERMAID),
            ResourceSpec(f"{at}/diagram/{{schema}}", self.diagram_of, *_DIAGRAM_OF, _MERMAID),
            ResourceSpec(f"{at}/roles", self.roles, *_ROLES),
            *self._guide.specs[-2:],
        )

    def clusters(self) -> Shown:
        """List the clusters."""
        return render(self._clusters.values())

    async def tables(self, cluster: str) -> Shown:
        """List all tables of a cluster."""
        return await self._reader(cluster).tables()

    async def table(self, cluster: str, schema: str, table: str) -> Shown:
        """Describe a table."""
        return await self._reader(cluster).table(schema, table)

    async def diagram(self, cluster: str) -> Shown:
        """Draw all tables of a cluster."""
        return await self._reader(cluster).diagram()

    async def diagram_of(self, cluster: str, schema: str) -> Shown:
        """Draw the tables of a schema."""
        return await self._reader(cluster).diagram_of(schema)

    async def roles(self, cluster: str) -> Shown:
        """List the roles of a cluster's database."""
        return await self._reader(cluster).roles()

    async def complete(self, uri: str, argument: str, value: str, known: Mapping[str, str]) -> list[Shown]:
        """Complete a part of an address: within a cluster, once it is known which."""
        if argument == "cluster":
            return [as_line(name) for name in self._readers if name.startswith(value)]
        if "{cluster}" not in uri:
            return await self._guide.complete(uri, argument, value, known)
        if known.get("cluster") not in self._readers:
            return []
        return await self._readers[known["cluster"]].complete(uri, argument, value, known)

    def _reader(self, cluster: str) -> ResourceReader:
        if cluster not in self._readers:
            raise RequestInvalid(
                f"There is no cluster {cluster!r:.60}.",
                code="unknown_cluster",
                hint=f"There are: {', '.join(self._readers)}.",
            )
        return self._readers[cluster]
