"""Every rung of a module's functions, each taken away once. Pure.

source -> ast -> an `if` without its body, an operand less, a case less -> code of the function
or method
"""

import ast
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType

_Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Mutant:
    file: str
    function: str
    """As its `__qualname__` has it."""

    line: int
    what: str
    code: CodeType
    """What the function is without that rung."""

    @property
    def name(self) -> str:
        """Which stays when lines are added."""
        return f"{self.file} {self.function}: without {self.what}"

    def __str__(self) -> str:
        return f"line {self.line} of {self.name}"


def mutants(source: str, file: str) -> Iterator[Mutant]:
    tree = ast.parse(source)
    for place, node in enumerate(tree.body):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _of_function(tree, (place,), file)
            case ast.ClassDef(body=body):
                for inner, method in enumerate(body):
                    if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                        yield from _of_function(tree, (place, inner), file)


def _of_function(tree: ast.Module, path: Sequence[int], file: str) -> Iterator[Mutant]:
    names = [node.name for node in _along(tree, path)]
    *_, function = _along(tree, path)
    for index, node in enumerate(ast.walk(function)):
        for what in range(_rungs(node)):
            changed = copy.deepcopy(tree)
            *_, found = _along(changed, path)
            target = next(n for i, n in enumerate(ast.walk(found)) if i == index)
            words = _take_away(found, target, what)
            code = compile(ast.fix_missing_locations(changed), file, "exec")
            line = getattr(node, "lineno", function.lineno)
            yield Mutant(file, ".".join(names), line, words, _named(code, names))


def _along(tree: ast.Module, path: Sequence[int]) -> Iterator[_Named]:
    """The class, if it is in one, and the function."""
    node: ast.Module | _Named = tree
    for place in path:
        inner = node.body[place]
        assert isinstance(inner, _Named)
        yield inner
        node = inner


def _rungs(node: ast.AST) -> int:
    """How many things can be taken away from it."""
    match node:
        case ast.If():
            return 1
        case ast.IfExp():
            return 2
        case ast.BoolOp(values=values):
            return len(values)
        case ast.Match(cases=cases):
            return len(cases)
        case ast.match_case(guard=ast.expr()):
            return 1
        case ast.comprehension(ifs=ifs):
            return len(ifs)
    return 0


def _take_away(function: ast.AST, node: ast.AST, number: int) -> str:
    words: str
    match node:
        case ast.If(test=test):
            words = f"`if {ast.unparse(test)}`"
            node.body = [ast.Pass()] if not node.orelse else node.orelse
            node.test, node.orelse = ast.Constant(bool(node.orelse)), []
        case ast.IfExp(body=body, orelse=orelse):
            gone, kept = (body, orelse) if number == 0 else (orelse, body)
            words = f"the choice `{ast.unparse(gone)}`"
            _Replace(node, kept).visit(function)
        case ast.BoolOp(values=values):
            word = "or" if isinstance(node.op, ast.Or) else "and"
            words = f"`{word} {ast.unparse(values[number])}`"
            del values[number]
            if len(values) == 1:
                _Replace(node, values[0]).visit(function)
        case ast.Match(cases=cases):
            words = f"`case {ast.unparse(cases[number].pattern)}`"
            del cases[number]
            if not cases:
                _Replace(node, ast.Pass()).visit(function)
        case ast.match_case(guard=ast.expr() as guard):
            words, node.guard = f"`case if {ast.unparse(guard)}`", None
        case ast.comprehension(ifs=ifs):
            words = f"`for if {ast.unparse(ifs.pop(number))}`"
        case _:
            raise ValueError(node)
    return words.replace("\n", " ")


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._old:
            return self._new
        return self.generic_visit(node)


def _named(module: CodeType, names: Sequence[str]) -> CodeType:
    code = module
    for name in names:
        inner = (const for const in code.co_consts if isinstance(const, CodeType))
        code = next(found for found in inner if found.co_name == name)
    return code
