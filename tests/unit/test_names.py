"""Which names a piece of Python reads before it sets them: the analysis against Python itself."""

from __future__ import annotations

import ast
import builtins
import sys

import pytest

from kestra_nb import names


def reads(text: str, *, lazy: bool = False) -> dict[str, bool]:
    """Give name → sure, without the built-in names."""
    found = names.free_names(ast.parse(text), {"math": frozenset(["pi", "sin"])}.get, lazy_annotations=lazy)
    return {item.name: item.sure for item in found if not hasattr(builtins, item.name)}


SURE = {
    "plain": ("x + y", "x y"),
    "set first": ("x = 1\nx + y", "y"),
    "from itself": ("x = x + 1", "x"),
    "augmented": ("x += 1", "x"),
    "augmented element": ("x[i] += 1", "x i"),
    "deleted": ("del x", "x"),
    "read after deletion": ("x = 1\ndel x\nx", "x"),
    "attribute stored": ("x.a = 1", "x"),
    "annotation": ("x: T = 1", "T"),
    "annotation alone binds nothing": ("x: int\nx", "x"),
    "imports": ("import a.b\nimport c.d as e\nfrom f import g as h\na, e, h, g, c", "g c"),
    "star import": ("from math import *\nsin(pi) + tau", "tau"),
    "both ways set": ("if a:\n    x = 1\nelse:\n    x = 2\nx", "a"),
    "the other way ends": ("if a:\n    raise b\nelse:\n    x = 2\nx", "a b"),
    "constant test": ("if 0:\n    x = y\nelse:\n    z", "z"),
    "main guard": ("if __name__ == '__main__':\n    x = 1\nx", ""),
    "type checking": ("if typing.TYPE_CHECKING:\n    import q\nelse:\n    q = r", "typing r"),
    "try sets or handler sets": ("try:\n    import a\nexcept ImportError:\n    a = None\na", ""),
    "handler's name ends": ("try:\n    f\nexcept E as e:\n    e\ne", "f E e"),
    "finally": ("try:\n    pass\nfinally:\n    x = 1\nx", ""),
    "with": ("with o() as (a, b):\n    c = a\nc, b", "o"),
    "loop target inside": ("for i, (j, *k) in x:\n    i, j, k", "x"),
    "while": ("while x:\n    break", "x"),
    "match, last case open": (
        ("match s:\n    case [a, *b]:\n        c = a\n    case {'k': d, **e}:\n        c = d\n"
        "    case _:\n        c = 0\nc"),
        "s",
    ),
    "match guard and class": ("match s:\n    case P(x=q) if q > g:\n        pass", "s P g"),
    "walrus": ("(n := m) + n", "m"),
    "walrus in a comprehension": ("[y := i for i in x]\ny", "x"),
    "comprehension hides": ("[i + j for i in x for j in i if j]\ni", "x i"),
    "first iterable is outside": ("[x for x in x]", "x"),
    "later iterable is inside": ("[y for x in a for y in x]", "a"),
    "lambda": ("(lambda a, b=c: a + b + d)", "c d"),
    "f-string": ("f'{a!r:{b}}'", "a b"),
    "query": ("df.query('x > @lim and y < @hi')", "df lim hi"),
    "decorator and default": ("@d(e)\ndef f(x=g):\n    return x", "d e g"),
    "function called": ("def f():\n    return a + b\nb = 1\nf()", "a"),
    "function never called": ("def f():\n    return a", "a"),
    "set before the call": ("def f():\n    return a\na = 1\nf()", ""),
    "recursion": ("def f():\n    return f() + g()\ndef g():\n    return f()", ""),
    "locals of functions": (
        ("def f(a, *b, c=1, **d):\n    e = 1\n    def g():\n        nonlocal e\n"
        "        return a, b, c, d, e, h\n    return g"),
        "h",
    ),
    "class body": ("class A(B, metaclass=M):\n    x = y\n    z = x", "B M y"),
    "class scope is no closure": ("class A:\n    x = 1\n    def f(self):\n        return x", "x"),
    "class uses itself": ("class A:\n    def f(self):\n        return A, super().f(), __class__", ""),
    "async": (
        ("async def f():\n    async with a as b:\n        async for c in b:\n            await c\n"
        "    return [d async for d in e]"),
        "a e",
    ),
    "await at the top": ("await x", "x"),
    "global set by a function that is called": ("def f():\n    global x\n    x = 1\nf()", ""),
    "shell line": ("_nb_sh('ls')", "_nb_sh"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SURE.values(), ids=SURE.keys())
def test_what_is_read_for_sure(text: str, expected: str) -> None:
    assert {name for name, sure in reads(text).items() if sure} == set(expected.split())


PERHAPS = {
    "one way sets": ("if a:\n    x = 1\nx", "x"),
    "loop sets": ("for i in []:\n    x = i\nx, i", "x i"),
    "body of try": ("try:\n    x = f()\nexcept E:\n    pass\nx", "x"),
    "called before it is set": ("def f():\n    return a\nf()\na = 1", "a"),
    "lambda before it is set": ("g = lambda: a\na = 1", "a"),
    "unknown star import": ("from nowhere import *\nx", "x"),
    "global set by a function": ("def f():\n    global x\n    x = 1\nf()\nx", "x"),
    "open match": ("match s:\n    case 1:\n        x = 1\nx", "x"),
    "names in shell lines": ("_nb_sh('ls {folder} $HOME')", "folder HOME"),
    "names in shell lines of a function": ("def f():\n    _nb_sh('ls $HOME')\nf()", "HOME"),
}


@pytest.mark.parametrize(("text", "expected"), PERHAPS.values(), ids=PERHAPS.keys())
def test_what_is_read_perhaps(text: str, expected: str) -> None:
    assert {name for name, sure in reads(text).items() if not sure} == set(expected.split())


def test_lazy_annotations_are_no_reads() -> None:
    text = "x: A = 1\ndef f(a: B) -> C: ..."
    assert set(reads(text)) == {"A", "B", "C"}
    assert reads(text, lazy=True) == {}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="syntax of Python 3.12")
def test_type_parameters_are_names_of_their_own() -> None:
    assert set(reads("def f[T](x: T, y: U) -> T: ...")) == {"U"}


def test_what_a_definition_reads_at_once() -> None:
    found = names.free_names(ast.parse("@d\ndef f(x=n):\n    return later"), lambda _: None)
    assert {item.name: item.at_once for item in found} == {"d": True, "n": True, "later": False}


def test_binders_tell_how_and_in_order() -> None:
    text = (
        "import a.b, c as d\nfrom e import f as g, h\nx = 1\ny: int = 2\nz = (w := 3)\nfor i in []:\n    def k(): ...\n"
        "class C: ...\ntry: ...\nexcept E as e: ...\nwith o as p: ...\ndel x\nu, v = 1, 2\nfrom m import *\n"
        "def s():\n    global t\n    t = 1\nn += 1"
    )
    assert [(item.name, item.how) for item in names.binders(ast.parse(text))] == [
        ("a", "import"), ("d", "import"), ("g", "from"), ("h", "from"), ("x", "assign"), ("y", "assign"),
        ("w", "other"), ("z", "assign"), ("i", "other"), ("k", "def"), ("C", "class"), ("e", "other"), ("p", "other"),
        ("x", "del"), ("u", "other"), ("v", "other"), ("*", "from"), ("s", "def"), ("t", "other"), ("n", "other"),
    ]  # fmt: skip


def test_chains() -> None:
    found = names.chains(ast.parse("xml.dom.minidom.parse(a.b)\nxml.sax\nf().c"))
    assert found["xml"] == {("dom", "minidom", "parse"), ("dom", "minidom"), ("dom",), ("sax",)}
    assert found["a"] == {("b",)}


def test_unseen_reads() -> None:
    assert names.unseen_reads(ast.parse("x = 1\neval('x')\nglobals()['x']\na.eval('x')")) == (
        ("eval", 2),
        ("globals", 3),
    )


N = names.Needs
ORDERS = {
    "kept where nothing decides": ({"a": N(), "b": N()}, "ab"),
    "at once": ({"a": N(at_once=("b",)), "b": N()}, "ba"),
    "later": ({"a": N(later=("b",)), "b": N()}, "ab"),
    "what is called at once needs what it calls": (
        {"a": N(at_once=("d",)), "d": N(later=("h",)), "h": N(later=("i",)), "i": N()}, "dhia",
    ),
    "second name in a circle": ({"f": N(later=("g",)), "g": N(later=("h",)), "h": N(at_once=("f",))}, "fgh"),
    "second name asked for first": ({"h": N(at_once=("f",)), "f": N(later=("g",)), "g": N(later=("h",))}, "fgh"),
    "decorated, and used by its decorator": ({"l": N(at_once=("d",), called=True), "d": N(later=("l",))}, "dl"),
    "decorated, called at once": ({"f": N(at_once=("d",), later=("h",), called=True), "d": N(), "h": N()}, "dhf"),
    "names without a place": ({"a": N(at_once=("pd",), later=("np",))}, "a"),
}  # fmt: skip


@pytest.mark.parametrize(("needs", "expected"), ORDERS.values(), ids=ORDERS.keys())
def test_an_order_that_runs(needs: dict[str, names.Needs], expected: str) -> None:
    assert "".join(names.running_order(needs, needs)) == expected
