"""Security: rewrites a template's syntax tree so that the template pays for its own work.

It also tells a method that is called from a key: `x.items()` is the method of an object, but
`x.items` is its key.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, nodes, pass_context, pass_environment
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer

from gateway.prompt.sandbox.budget import CALL, CHARACTER, ITEM, STEP, spend
from gateway.prompt.sandbox.cost import SINGLE, SMALL, spend_deep, spend_length, spend_new
from gateway.prompt.sandbox.operators import METHODS

# Filters for the rewritten tree; a template can't name them, because of the space.
_SPEND, _LENGTH, _DEEP, _JOIN, _METHOD = " spend", " length", " deep", " join", " method"

# Nodes that make a new value, which takes memory.
_MAKING = (nodes.List, nodes.Tuple, nodes.Dict, nodes.Call, nodes.Slice, nodes.Add, nodes.Filter)
_IN = ("in", "notin")


def metered_tree(tree: nodes.Template) -> nodes.Template:
    """`tree` with payments for its loops, macros and comparisons."""
    return _Metering().visit(tree)  # type: ignore[no-any-return]


class _Metering(NodeTransformer):
    def visit_For(self, node: nodes.For) -> nodes.For:
        cost = _cost(node)
        self.generic_visit(node)
        node.body.insert(0, _payment(cost, node))
        if node.test is not None:
            spent = _filter(_SPEND, nodes.Const(cost), node)
            node.test = nodes.And(spent, node.test, lineno=node.lineno)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Macro:
        self._spend_at_start(node)
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.CallBlock:
        self._spend_at_start(node)
        return node

    def visit_Block(self, node: nodes.Block) -> nodes.Block:
        self._spend_at_start(node)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:
        self.generic_visit(node)
        return _filter(_JOIN, nodes.List(node.nodes, lineno=node.lineno), node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Getitem:
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _filter(_LENGTH, node.node, node)
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Call:
        self.generic_visit(node)
        if isinstance(node.node, nodes.Getattr) and node.node.attr in METHODS[dict]:
            of, name = node.node.node, nodes.Const(node.node.attr)
            node.node = nodes.Filter(of, _METHOD, [name], [], None, None, lineno=node.lineno)
        return node

    def visit_Pair(self, node: nodes.Pair) -> nodes.Pair:
        self.generic_visit(node)
        node.key = _deep(node.key)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:
        self.generic_visit(node)
        sides = [node.expr, *(operand.expr for operand in node.ops)]
        operator = node.ops[0].op
        if len(sides) == 2 and isinstance(node.expr, nodes.Const) and operator in _IN:
            node.ops[0].expr = _filter(_LENGTH, sides[1], node)
        elif len(sides) > 2 or not any(isinstance(side, nodes.Const) for side in sides):
            node.expr = _deep(node.expr)
            for operand in node.ops:
                operand.expr = _deep(operand.expr)
        return node

    def _spend_at_start(self, node: nodes.Macro | nodes.CallBlock | nodes.Block) -> None:
        cost = _cost(node)
        self.generic_visit(node)
        node.body.insert(0, _payment(cost, node))


def _cost(node: nodes.Node) -> int:
    own = CALL if isinstance(node, nodes.Call) else ITEM if isinstance(node, _MAKING) else STEP
    return own + sum(map(_cost, node.iter_child_nodes()))


def _payment(cost: int, node: nodes.Node) -> nodes.Stmt:
    spent = _filter(_SPEND, nodes.Const(cost), node)
    return nodes.ExprStmt(spent, lineno=node.lineno)


def _deep(node: nodes.Expr) -> nodes.Expr:
    return node if isinstance(node, nodes.Const) else _filter(_DEEP, node, node)


def _filter(name: str, value: nodes.Expr, node: nodes.Node) -> nodes.Filter:
    return nodes.Filter(value, name, [], [], None, None, lineno=node.lineno)


@pass_context  # without it, Jinja would evaluate it once, as a constant
def _spend_filter(_: Context, cost: int) -> bool:
    spend(abs(cost))
    return True


def _length_filter(value: Any) -> Any:
    spend_length(value)
    return value


def _deep_filter(value: Any) -> Any:
    if type(value) is str:
        if len(value) > SMALL:
            spend(CHARACTER * len(value))
    elif type(value) not in SINGLE:
        spend_deep(value)
    return value


@pass_environment
def _method_filter(environment: Environment, value: Any, name: str) -> Any:
    return getattr(value, name) if type(value) is dict else environment.getattr(value, name)


def _join_filter(values: list[Any]) -> str:
    for value in values:
        _deep_filter(value)
    return str(spend_new("".join(map(str, values))))


OUR_FILTERS = {
    _SPEND: _spend_filter,
    _LENGTH: _length_filter,
    _DEEP: _deep_filter,
    _JOIN: _join_filter,
    _METHOD: _method_filter,
}
