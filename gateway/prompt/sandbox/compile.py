"""A template's tree -> one that counts what it does as it goes along."""

from __future__ import annotations

from typing import Any

from jinja2 import nodes, pass_context
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer

from gateway.prompt.sandbox.budget import CALL, CHARACTER, ITEM, STEP, spend
from gateway.prompt.sandbox.cost import SINGLE, SMALL, count, made, weigh

# Filters of ours; a name with a space in it is none that a template can write.
_SPEND, _COUNT, _WEIGH, _JOIN = " spend", " count", " weigh", " join"

# Nodes that make something new, which takes memory each time.
_MAKING = (nodes.List, nodes.Tuple, nodes.Dict, nodes.Call, nodes.Slice, nodes.Add, nodes.Filter)
_EQUAL = ("eq", "ne")
_IN = ("in", "notin")


def bounded(tree: nodes.Template) -> nodes.Template:
    """`tree`, which spends what its loops, its macros and its comparisons cost."""
    return _Bounding().visit(tree)  # type: ignore[no-any-return]


class _Bounding(NodeTransformer):
    def visit_For(self, node: nodes.For) -> nodes.For:
        cost = _cost(node)
        self.generic_visit(node)
        node.body.insert(0, _spend(cost, node))
        if node.test is not None:
            spent = _filter(_SPEND, nodes.Const(cost), node)
            node.test = nodes.And(spent, node.test, lineno=node.lineno)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Macro:
        self._start(node)
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.CallBlock:
        self._start(node)
        return node

    def visit_Block(self, node: nodes.Block) -> nodes.Block:
        self._start(node)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:
        self.generic_visit(node)
        return _filter(_JOIN, nodes.List(node.nodes, lineno=node.lineno), node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Getitem:
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _filter(_COUNT, node.node, node)
        return node

    def visit_Pair(self, node: nodes.Pair) -> nodes.Pair:
        self.generic_visit(node)
        node.key = _weighed(node.key)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:
        self.generic_visit(node)
        sides = [node.expr, *(operand.expr for operand in node.ops)]
        operator = node.ops[0].op
        if len(sides) == 2 and isinstance(node.expr, nodes.Const) and operator in _IN:
            node.ops[0].expr = _filter(_COUNT, sides[1], node)
        elif len(sides) > 2 or not any(isinstance(side, nodes.Const) for side in sides):
            node.expr = _weighed(node.expr)
            for operand in node.ops:
                operand.expr = _weighed(operand.expr)
        return node

    def _start(self, node: nodes.Macro | nodes.CallBlock | nodes.Block) -> None:
        cost = _cost(node)
        self.generic_visit(node)
        node.body.insert(0, _spend(cost, node))


def _cost(node: nodes.Node) -> int:
    own = CALL if isinstance(node, nodes.Call) else ITEM if isinstance(node, _MAKING) else STEP
    return own + sum(map(_cost, node.iter_child_nodes()))


def _spend(cost: int, node: nodes.Node) -> nodes.Stmt:
    spent = _filter(_SPEND, nodes.Const(cost), node)
    return nodes.ExprStmt(spent, lineno=node.lineno)


def _weighed(node: nodes.Expr) -> nodes.Expr:
    return node if isinstance(node, nodes.Const) else _filter(_WEIGH, node, node)


def _filter(name: str, value: nodes.Expr, node: nodes.Node) -> nodes.Filter:
    return nodes.Filter(value, name, [], [], None, None, lineno=node.lineno)


@pass_context  # without it, Jinja would do it once, when it compiles
def _spent(_: Context, cost: int) -> bool:
    spend(abs(cost))
    return True


def _counted(value: Any) -> Any:
    count(value)
    return value


def _weighing(value: Any) -> Any:
    if type(value) is str:
        if len(value) > SMALL:
            spend(CHARACTER * len(value))
    elif type(value) not in SINGLE:
        weigh(value)
    return value


def _joined(values: list[Any]) -> str:
    for value in values:
        _weighing(value)
    return str(made("".join(map(str, values))))


OUR_FILTERS = {_SPEND: _spent, _COUNT: _counted, _WEIGH: _weighing, _JOIN: _joined}
