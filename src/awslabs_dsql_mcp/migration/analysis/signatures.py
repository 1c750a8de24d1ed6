"""Functions of a script by name, schema and parameters: what a call may be of, or a statement is about."""

from collections.abc import Iterator
from dataclasses import dataclass

from awslabs_dsql_mcp.migration.script.mentions import qualified_name
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_NO_INPUT = ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")


TypeKey = tuple[str, bool]


@dataclass(frozen=True)
class Signature:
    """A function, procedure or aggregate that a statement makes.

    Attributes:
        schema: Its schema.
        name: Its bare name.
        fewest: Arguments that a call has at least.
        most: Arguments that a call has at most; ``None`` for any number.
        types: Types of its input parameters, as `type_names` gives them; ``None`` if they are not known.
    """

    schema: str
    name: str
    fewest: int = 0
    most: int | None = None
    types: tuple[TypeKey, ...] | None = None

    @classmethod
    def of(cls, top: Node) -> "Signature":
        """Read a ``CreateFunctionStmt``."""
        inputs = list(input_parameters(top.get("parameters", [])))
        fewest = sum("defexpr" not in parameter for parameter in inputs)
        variadic = any(parameter.get("mode") == "FUNC_PARAM_VARIADIC" for parameter in inputs)
        name = qualified_name(strings(top["funcname"]))
        return cls(*name, fewest - variadic, None if variadic else len(inputs), type_names(inputs))

    def fits(self, schema: str | None, arguments: int) -> bool:
        """Say if a call of the function's name, with a schema or none, may be one of it."""
        most = arguments if self.most is None else self.most
        return schema in (None, self.schema) and self.fewest <= arguments <= most

    def is_named(self, schema: str, inputs: list[Node]) -> bool:
        """Say if it is what a schema and the parameters in ``f(int, text)`` name (COMMENT, GRANT, DROP …)."""
        if self.types is None:
            return self.fits(schema, len(inputs))
        return (schema, type_names(inputs)) == (self.schema, self.types)

    def is_called(self, call: Node) -> bool:
        """Say if a ``FuncCall`` may be one of it."""
        *schema, name = strings(call.get("funcname"))
        return name == self.name and self.fits(schema[-1] if schema else None, len(call.get("args", ())))


def type_names(parameters: list[Node]) -> tuple[TypeKey, ...]:
    """List the types of parameters: the bare name of each, and whether it is an array."""
    types = (parameter.get("argType", {}) for parameter in parameters)
    return tuple((strings(one.get("names"))[-1], "arrayBounds" in one) for one in types)


def input_parameters(parameters: list[Node]) -> Iterator[Node]:
    """Iterate over the parameters, of a function or of what names one, that a call gives values for."""
    for item in parameters:
        parameter: Node = item["FunctionParameter"]
        if parameter.get("mode") not in _NO_INPUT:
            yield parameter
