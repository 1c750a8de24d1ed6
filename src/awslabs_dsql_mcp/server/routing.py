"""The argument ``cluster``: how clients see several clusters behind one set of tools.

Each cluster has its own tools, with its own permissions. Clients see one of each, with the argument; a call
is led to the cluster that it names before a tool is chosen. Without several clusters nothing is added.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from mcp.types import CallToolResult, InputRequiredResult, TextContent, Tool

from awslabs_dsql_mcp.dsql.cluster_names import name_of
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.text import as_line
from awslabs_dsql_mcp.tools.spec import FACTS, ToolSpec, facts_of, text_content

_ONE_MADE_HERE: Final = "Id or ARN of one made here."


@dataclass(frozen=True)
class ClusterInfo:
    """A cluster as clients see it.

    Attributes:
        name: Its name.
        allow_writes: True if it may be changed.
        description: What it is for, in the operator's words.
        others: Further names of it: ARN and endpoint of one that was made by a tool.
    """

    name: str
    allow_writes: bool
    description: str = ""
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Word it on one line."""
        may = "writes allowed" if self.allow_writes else "only reads"
        return f"{self.name} ({may})" + (f": {self.description}" if self.description else "")


@dataclass(frozen=True)
class RoutedCall:
    """A call with its destination: the tool, its arguments, and the cluster.

    Attributes:
        tool: The tool as it is registered.
        arguments: Its own arguments.
        cluster: The cluster; ``None`` where there is no choice.
    """

    tool: str
    arguments: dict[str, Any]
    cluster: str | None = None


class ClusterRouter:
    """The choice of a cluster, for a set of tools.

    Args:
        clusters: All clusters to choose from; none where there is no choice.
        default: The one that is meant by calls that name none.
        tools: All tools; those with a cluster take part.
    """

    def __init__(
        self, clusters: Sequence[ClusterInfo], default: str | None, tools: Sequence[ToolSpec]
    ) -> None:
        self._clusters = {cluster.name: cluster for cluster in clusters}
        self._default = default
        self._offers: dict[str, list[str]] = {}
        self._for_new = {tool.name for tool in tools if tool.for_new}
        self._new: dict[str, tuple[ClusterInfo, frozenset[str]]] = {}
        self._aliases: dict[str, str] = {}
        for tool in tools:
            if tool.cluster is not None:
                self._offers.setdefault(tool.name, []).append(tool.cluster)

    def route(self, name: str, arguments: dict[str, Any]) -> RoutedCall:
        """Find where a call goes.

        Args:
            name: The tool as clients see it.
            arguments: As the client sent them.

        Raises:
            RequestInvalid: No cluster is named, or none that there is, or one without this tool.
        """
        if name in self._for_new and (led := self._to_new(name, arguments)) is not None:
            return led
        offers = self._offers.get(name)
        if offers is None:
            return RoutedCall(name, arguments)
        given = arguments.get("cluster", self._default)
        if given is None:
            raise RequestInvalid(
                f"{name} needs the argument 'cluster'.", code="cluster_missing", hint=self._known()
            )
        if not (isinstance(given, str) and given in self._clusters):
            raise RequestInvalid(
                f"There is no cluster {given!r:.60}.", code="unknown_cluster", hint=self._meant(given)
            )
        if given not in offers:
            raise RequestInvalid(
                f"{name} is not offered on cluster {given!r}{_why(name)}.",
                code="not_on_cluster",
                hint=f"It is on {', '.join(offers)}. Take another cluster only if that one is meant.",
            )
        rest = {key: value for key, value in arguments.items() if key != "cluster"}
        return RoutedCall(f"{name}.{given}", rest, given)

    def add(self, cluster: ClusterInfo, tools: Iterable[str]) -> None:
        """Take a cluster that was made while the server runs.

        Args:
            cluster: The cluster.
            tools: Names of the tools that it has.
        """
        self._new[cluster.name] = (cluster, frozenset(tools))
        self._aliases |= dict.fromkeys((cluster.name, *cluster.others), cluster.name)

    def unknown(self, name: str, arguments: Mapping[str, Any]) -> str | None:
        """Give the cluster that a call names by id, ARN or endpoint, if it is none of those known so far.

        Args:
            name: The tool as clients see it.
            arguments: As the client sent them.
        """
        given = arguments.get("cluster")
        if name not in self._for_new or not isinstance(given, str):
            return None
        is_known = given in self._clusters or _plain(given) in self._aliases
        return None if is_known or name_of(given) is None else given

    def _to_new(self, name: str, arguments: dict[str, Any]) -> RoutedCall | None:
        """Lead a call to a cluster that was made while the server runs; `None` if it names none such."""
        given = arguments.get("cluster")
        rest = {key: value for key, value in arguments.items() if key != "cluster"}
        if isinstance(given, str) and (found := self._aliases.get(_plain(given))) is not None:
            info, tools = self._new[found]
            if name not in tools:
                raise RequestInvalid(f"{name} is not offered on cluster {info.name}.", code="not_on_cluster")
            return RoutedCall(f"{name}.{found}", rest, found)
        if name in self._offers or "cluster" not in arguments:
            return None
        if given in (None, "", "this"):
            return RoutedCall(name, rest)
        raise RequestInvalid(
            f"{given!r:.60} is no id, ARN or endpoint of a cluster.",
            code="unknown_cluster",
            hint=self._known(),
        )

    def listed(self, tools: Sequence[Tool]) -> list[Tool]:
        """Give the tools as clients see them.

        Args:
            tools: As they are registered.
        """
        seen: dict[str, list[Tool]] = {}
        for tool in tools:
            name, _, cluster = tool.name.partition(".")
            seen.setdefault(name if cluster else tool.name, []).append(tool)
        return [self._folded(name, same) for name, same in seen.items()]

    def _folded(self, name: str, tools: Sequence[Tool]) -> Tool:
        offers = self._offers.get(name)
        if offers is None:
            if name not in self._for_new:
                return tools[0]
            argument = {"type": "string", "description": _ONE_MADE_HERE}
            inputs = _with_property(tools[0].input_schema, argument, required=False)
            return tools[0].model_copy(update={"input_schema": inputs})
        # What may write anywhere is announced as writing, with all that it takes there.
        lead = next((tool for tool in tools if not _reads(tool)), tools[0])
        inputs, outputs = lead.input_schema, lead.output_schema
        changes: dict[str, Any] = {"name": name, "input_schema": self._asking(name, inputs, offers)}
        if outputs is not None:
            changes["output_schema"] = _with_property(outputs, {"type": "string"}, required=True)
        return lead.model_copy(update=changes)

    def _asking(self, name: str, schema: Mapping[str, Any], offers: Sequence[str]) -> dict[str, Any]:
        default = self._default if self._default in offers else None
        writable = ", ".join(name for name in offers if self._clusters[name].allow_writes)
        told = f"Writes are allowed on: {writable}." if writable else "All of them only read."
        argument: dict[str, Any] = {"type": "string", "enum": list(offers), "description": told}
        if name in self._for_new:
            argument = {"type": "string", "description": f"{', '.join(offers)}, or one made here. {told}"}
        if default is not None:
            argument["default"] = default
        return _with_property(schema, argument, required=default is None)

    def _meant(self, given: object) -> str:
        near = get_close_matches(str(given), list(self._clusters), 1)
        return (f"Did you mean {near[0]!r}? " if near else "") + self._known()

    def _known(self) -> str:
        known = [str(cluster) for cluster in self._clusters.values()]
        if not self._clusters:  # the only one has no name
            known.insert(0, "the connected one, without the argument")
        used = [str(cluster) for cluster, _ in self._new.values()]  # deleted since, perhaps
        used_too = f" Used so far, too: {', '.join(used)}." if used else ""
        may_be_others = (
            " Those that such a server made before are taken by their id or ARN." if self._for_new else ""
        )
        return f"There are: {', '.join(known)}.{used_too}{may_be_others}"


def _plain(given: str) -> str:
    """Write an id, ARN or endpoint as AWS does."""
    return given.strip().lower()


def _why(name: str) -> str:
    return ", which has no directory for exports" if name == "export_query" else ", which only reads"


def _reads(tool: Tool) -> bool:
    return bool(tool.annotations and tool.annotations.read_only_hint)


def _with_property(
    schema: Mapping[str, Any], argument: Mapping[str, Any], *, required: bool
) -> dict[str, Any]:
    """Put ``cluster`` first: what is written after it is written for it."""
    needs = [*(["cluster"] if required else []), *schema.get("required", [])]
    return {
        **schema,
        "properties": {"cluster": dict(argument), **schema.get("properties", {})},
        **({"required": needs} if needs else {}),
    }


def tag_result(
    result: CallToolResult | InputRequiredResult, cluster: str | None
) -> CallToolResult | InputRequiredResult:
    """Let an answer name its cluster, in its text and in its structured content."""
    if cluster is None or not isinstance(result, CallToolResult):
        return result
    head = as_line(f"Cluster: {cluster}")
    content = [text_content(head), *result.content]
    if isinstance(first := result.content[0], TextContent):
        content[:2] = [first.model_copy(update={"text": f"{head}\n{first.text}"})]
    changes: dict[str, Any] = {"content": content}
    if result.structured_content is not None:
        changes["structured_content"] = {"cluster": cluster, **result.structured_content}
    elif facts := facts_of(result):
        changes["meta"] = {**(result.meta or {}), FACTS: {"cluster": cluster, **facts}}
    return result.model_copy(update=changes)
