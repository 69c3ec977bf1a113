"""Changes to the ledger's SQL, one at a time: what a slip in a statement could look like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import sqlglot
from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPPOSITES: Final[dict[type[exp.Expr], type[exp.Expr]]] = {
    exp.GT: exp.GTE,
    exp.GTE: exp.GT,
    exp.LT: exp.LTE,
    exp.LTE: exp.LT,
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.Add: exp.Sub,
    exp.Sub: exp.Add,
}
_HINT: Final = re.compile(r"\s+AND status IN \(\s*'draft', [^)]*'unknown'\)")
"""Names a partial index to SQLite, and is true wherever the condition beside it is."""
_PARAMETER: Final = re.compile(r":(\w+)")
_MARK: Final = "p__"
"""Before the name of a parameter while sqlglot reads the statement: it takes `:then` for a keyword."""


def parsed(statement: str) -> exp.Expr:
    """A statement of SQLite's as a tree."""
    return sqlglot.parse_one(_PARAMETER.sub(rf":{_MARK}\1", _HINT.sub("", statement)), dialect="sqlite")


def written(tree: exp.Expr) -> str:
    """A tree as a statement of SQLite's again."""
    return tree.sql(dialect="sqlite", comments=False).replace(f":{_MARK}", ":")


def changes(statement: str) -> Iterator[str]:
    """The statement with one slip in it, each slip once."""
    tree = parsed(statement)
    seen = {written(tree)}
    for place in range(sum(1 for _ in tree.walk())):
        for number in range(_slips_at(tree, place)):
            changed = _changed(tree, place, number)
            if changed not in seen:
                seen.add(changed)
                yield changed


def _slips_at(tree: exp.Expr, place: int) -> int:
    return len(_slips(_node(tree.copy(), place)))


def _changed(tree: exp.Expr, place: int, number: int) -> str:
    copy = tree.copy()
    node = _node(copy, place)
    replacement = _slips(node)[number]
    if replacement is None:
        node.pop()
    else:
        node.replace(replacement)
    return written(copy)


def _node(tree: exp.Expr, place: int) -> exp.Expr:
    return next(node for at, node in enumerate(tree.walk()) if at == place)


def _slips(node: exp.Expr) -> list[exp.Expr | None]:
    """What may stand in place of a node; `None` for nothing at all."""
    if isinstance(node.parent, exp.Update) and isinstance(node, exp.EQ):
        return [None] if len(node.parent.expressions) > 1 else []  # an assignment is forgotten
    slips = _mistaken(node)
    if isinstance(node, exp.Connector):  # one of the conditions is forgotten
        slips += [this for this, other in _sides(node) if not isinstance(other, type(node))]
    if isinstance(node.parent, exp.Tuple) and isinstance(node.parent.parent, exp.Values):
        slips.append(exp.Null())
    return [*slips, None] if _is_dispensable(node) else slips


def _mistaken(node: exp.Expr) -> list[exp.Expr | None]:
    """What may be written in place of a node by mistake."""
    if (opposite := _OPPOSITES.get(type(node))) is not None:
        return [opposite(this=node.this.copy(), expression=node.expression.copy())]
    if isinstance(node, exp.Is | exp.In | exp.Exists) and not isinstance(node.parent, exp.Not):
        return [exp.Not(this=node.copy())]
    if isinstance(node, exp.Not | exp.Coalesce):
        return [node.this.copy()]
    if isinstance(node, exp.Ordered):
        return [exp.Ordered(this=node.this.copy(), desc=not node.args.get("desc"), nulls_first=None)]
    if (
        isinstance(node, exp.Literal)
        and not node.is_string
        and not isinstance(node.parent, exp.Select | exp.Limit | exp.Returning)
    ):
        return [exp.Literal.number(float(node.this) + 1)]
    return []


def _is_dispensable(node: exp.Expr) -> bool:
    """Whether a statement can do without a node. Of `LIMIT 1`, only the first row is looked at anyway."""
    if isinstance(node, exp.Where):
        return not isinstance(node.this, exp.Connector)
    if isinstance(node, exp.Limit):
        return not isinstance(node.expression, exp.Literal)
    return isinstance(node.parent, exp.In) and node.arg_key == "expressions" and len(node.parent.expressions) > 1


def _sides(node: exp.Connector) -> list[tuple[exp.Expr, exp.Expr]]:
    return [(node.left.copy(), node.right), (node.right.copy(), node.left)]
