"""View of work in many transactions: how far it is, its forecast, its button.

It travels in a result's ``_meta``, which is not for the model (MCP Apps, "Tool results"), and only to clients
that show views. Of a dry run the button has the token, and no half of the answer does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from awslabs_dsql_mcp.clusters.cost import dollars
from awslabs_dsql_mcp.clusters.forecast import in_dpu
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.text import pluralize
from awslabs_dsql_mcp.tools.consent.confirmation import TOKEN_LIFE
from awslabs_dsql_mcp.views.extension import VIEW

_MAX_LINES: Final = 100
_MAX_LINE: Final = 1_000  # characters
_TOKEN: Final = "dry_run_token"  # noqa: S105 - an argument's name
_FOR_MODELS: Final = "Next: "


@dataclass(frozen=True)
class Button:
    """What goes on with the work.

    Attributes:
        arguments: Arguments of the call, beside those of the one that is shown.
        is_grave: It drops something, or changes every row of a table.
        seconds: For so long; ``None`` for no limit.
    """

    arguments: Mapping[str, str]
    is_grave: bool = False
    seconds: int | None = TOKEN_LIFE


def run_view(
    tool: str, output: ToolOutput, state: str, button: Button | None, **more: object
) -> Mapping[str, object]:
    """Give what a view draws.

    Args:
        tool: The tool that goes on.
        output: The answer.
        state: How the work ended in this call.
        button: The button; ``None`` for none.
        more: What only this tool has.
    """
    said = [part.partition(_FOR_MODELS)[0].strip() for part in output.parts if isinstance(part, str)]
    lines = [line for line in said if line]
    forecast = cast("Mapping[str, Any]", output.values.get("forecast", {}))
    shown: dict[str, object] = {
        "tool": tool,
        "state": state,
        "lines": [line[:_MAX_LINE] for line in lines[:_MAX_LINES]],
        "forecast": _amounts(forecast),
        **more,
    }
    if button is not None:
        shown |= {"go": dict(button.arguments), "grave": button.is_grave, "seconds": button.seconds}
    return {VIEW: shown}


def with_batches_view(tool: str, told: ToolOutput, *, is_grave: bool) -> ToolOutput:
    """Add what a view draws to the answer of a tool that works in batches, and give a token to it alone.

    Args:
        tool: The tool.
        told: Its answer.
        is_grave: It changes every row of a table.
    """
    values = dict(told.values)
    token, handle = values.pop(_TOKEN, None), values.get("resume")
    button = None
    if token is not None:
        button = Button({_TOKEN: str(token)}, is_grave)
    elif handle is not None:  # the user has agreed to the run that it goes on with
        button = Button({"resume": str(handle)}, seconds=None)
    state = str(values["status"])
    rows, batches = cast("int", values["rows"]), cast("int", values["batches"])
    about = "about " if state == "dry_run" else ""
    counts = f"{pluralize(rows, 'row')}, {about}{pluralize(batches, 'transaction')}"
    more: dict[str, object] = {"done": rows, "unit": "row", "told": counts}
    reasons = cast("Sequence[Mapping[str, object]]", values.get("reasons", ()))
    more["rejected"] = [[one["row"], one.get("line"), one["reason"]] for one in reasons]
    more["differences"] = values.get("differences", [])
    return ToolOutput(told.parts, values, run_view(tool, told, state, button, **more))


def _amounts(forecast: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give the parts of a forecast: DPUs, and money where a price is known."""
    if not forecast:
        return []
    names = (("read", "Reading"), ("write", "Writing"), ("multi_region_write", "Writing in the other Region"))
    amounts = [(name, in_dpu(forecast[key])) for key, name in names if forecast[key]]
    amounts.append(("Total", in_dpu(forecast["dpu"])))
    if "usd" in forecast:
        where = f"{forecast['region']}, {forecast['prices_of']}"
        amounts.append((f"At prices of {where}", dollars(forecast["usd"])))
    return amounts
