"""Cells over a live kernel: what ran before, the cell that is exported, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """``refused`` holds what the sentence must contain; empty when the script must print what the cell printed."""

    name: str
    before: tuple[str, ...]
    cell: str
    refused: tuple[str, ...] = ()


CASES = (
    # imports, as they were there
    Case("alias", ("import json as j",), "print(j.dumps([1, 2]))"),
    Case("from with alias", ("from os.path import join as glue",), "print(glue('a', 'b'))"),
    Case(
        "submodule by alias", ("import xml.etree.ElementTree as ET",), "print(ET.fromstring('<a x=\"1\"/>').get('x'))"
    ),
    Case("submodule by its parent", ("import xml.dom.minidom",), "print(xml.dom.minidom.parseString('<a/>').toxml())"),
    Case(
        "submodule loaded elsewhere",
        ("import xml", "import xml.sax.saxutils as s"),
        "print(xml.sax.saxutils.escape('<'))",
    ),
    Case(
        "os.path is no module file", ("import os", "import os.path as osp"), "print(os.path.basename('/a/b'), osp.sep)"
    ),
    Case("star import", ("from math import *",), "print(floor(pi), round(sin(1), 3))"),
    Case("star import shadows a built-in", ("from math import *",), "print(pow(2, 3))"),
    Case("star import in the cell itself", (), "from math import *\nprint(sqrt(16))"),
    Case("importlib", ("import importlib\nm = importlib.import_module('textwrap')",), "print(m.dedent('  a'))"),
    Case(
        "either of two modules",
        ("try:\n    import nosuchjson as js\nexcept ImportError:\n    import json as js",),
        "print(js.loads('[1]'))",
    ),
    Case(
        "a function found in a module", ("import statistics\nmiddle = statistics.median",), "print(middle([1, 3, 2]))"
    ),
    Case("a constant of a module", ("from string import digits as d",), "print(d)"),
    Case(
        "a bound method of a module",
        ("import random\nrandom.seed(3)\nfrom random import random as r",),
        "print(0 <= r() < 1)",
    ),
    Case("name shadows a module", ("import json", "json = {'a': 1}"), "print(json['a'])"),
    Case("module shadows a name", ("math = 3", "import math"), "print(math.floor(2.5))"),
    Case("built-in under another name", ("show = print",), "show('x')"),
    Case(
        "pandas and a query that reads a name",
        ("import pandas as pd\nlimit = 2",),
        "df = pd.DataFrame({'a': [1, 2, 3]})\nprint(df.query('a > @limit').shape)",
    ),
    # values
    Case("numbers and text", ("rate = 1.5\nname = 'Zoë {{ x }}'\nbig = 10**30",), "print(rate, name, big)"),
    Case(
        "containers",
        ("a = {'x': [1, (2,)], 'y': {3}}\nb = frozenset('q')\nc = b'\\x00'",),
        "print(a, b, c, type(a['y']))",
    ),
    Case("infinite and complex", ("i = float('-inf')\nz = 1j",), "print(i, z)"),
    Case(
        "dates, paths, decimals",
        (
            (
                "from datetime import date, datetime, timedelta\nfrom decimal import Decimal\n"
                "from pathlib import Path\nd = date(2026, 1, 2)\nt = datetime(2026, 1, 2, 3)\n"
                "w = timedelta(hours=2)\nm = Decimal('1.10')\np = Path('x') / 'y'"
            ),
        ),
        "print(d, t - w, m, p, datetime(2026, 1, 1) < t)",
    ),
    Case("a value computed before", ("total = sum(range(10))",), "print(total)"),
    Case("the value of today, not of the first run", ("n = 1", "n += 4"), "n += 1\nprint(n)"),
    Case("two names for one list", ("a = [1]\nb = a",), "b.append(2)\nprint(a, b)"),
    Case("shadowed built-in", ("list = [3, 1]",), "list.sort()\nprint(list)"),
    Case("set by another cell, unpacked", ("a, (b, *c) = 1, (2, 3, 4)",), "print(a, b, c)"),
    Case("set by a loop", ("for i in range(3):\n    last = i",), "print(i, last)"),
    # functions
    Case("function with globals", ("k = 2\ndef f(x):\n    return x * k",), "print(f(4))"),
    Case(
        "functions that call each other",
        ("def even(n):\n    return n == 0 or odd(n - 1)\ndef odd(n):\n    return n != 0 and even(n - 1)",),
        "print(even(10))",
    ),
    Case(
        "defined in the wrong order",
        ("def outer():\n    return inner()", "def inner():\n    return step", "step = 5"),
        "print(outer())",
    ),
    Case("redefined", ("def f():\n    return 1", "def f():\n    return 2"), "print(f())"),
    Case("rerun with a change", ("k = 1\ndef f():\n    return k", "k = 7"), "print(f())"),
    Case("lambda", ("add = lambda x, y=2: x + y + z\nz = 1",), "print(add(1))"),
    Case(
        "second name in a circle of calls",
        ("def f(n):\n    return n if n < 1 else g(n - 1)\ndef g(n):\n    return h(n)\nh = f",),
        "print(f(3))",
    ),
    Case(
        "decorator that uses what it decorates",
        ("def deco(f):\n    return lambda x: log(f(x)) if x else 0", "@deco\ndef log(x):\n    return 0"),
        "print(log(1))",
    ),
    Case("second name of a function", ("def f():\n    return 1\ng = f",), "print(g())"),
    Case(
        "decorator of the library",
        ("import functools\n@functools.lru_cache\ndef fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)",),
        "print(fib(30))",
    ),
    Case(
        "own decorator",
        (
            "def twice(f):\n    def wrapper(*a):\n        return f(*a) * factor\n    return wrapper\nfactor = 2",
            "@twice\ndef f(x):\n    return x + 1",
        ),
        "print(f(1))",
    ),
    Case("default from a global", ("n = 3\ndef f(x, n=n):\n    return x + n",), "print(f(1))"),
    Case(
        "inside a condition",
        ("if True:\n    def f():\n        '''two\n        lines'''\n        return f.__doc__",),
        "print(repr(f()))",
    ),
    Case(
        "comprehension and nested scopes",
        ("w = [1, 2]\ndef f():\n    return [x * y for x in w for y in (lambda: w)()]",),
        "print(f(), [i for i in w if i], {i: (lambda: i)() for i in w})",
    ),
    Case(
        "global statement",
        ("count = 0\ndef bump():\n    global count\n    count += 1",),
        "bump()\nbump()\nprint(count)",
    ),
    Case(
        "generator and async",
        ("import asyncio\ndef gen():\n    yield from data\nasync def main():\n    return list(gen())\ndata = (1, 2)",),
        "loop = asyncio.new_event_loop()\nprint(sum(gen()))",
    ),
    Case("function under a timer", ("%%time\ndef f(x):\n    return x + 1",), "print(f(1))"),
    Case(
        "function made by a cell of this magic",
        ("%%kestra_flow --execute --no-preview\ndef f():\n    return 'here'",),
        "print(f())",
    ),
    Case(
        "annotations",
        (
            (
                "from fractions import Fraction\nimport typing as t\n"
                "def f(x: t.Optional[Fraction]) -> 'Nobody':\n    return x"
            ),
        ),
        "print(f(Fraction(1, 2)))",
    ),
    Case(
        "future annotations",
        ("from __future__ import annotations", "def f(x: Nobody) -> Nowhere:\n    return x"),
        "print(f(3))",
    ),
    # classes
    Case(
        "class hierarchy",
        (
            "class Base:\n    unit = 'kg'\n    def show(self):\n        return f'{self.v}{self.unit}'",
            "class Weight(Base):\n    def __init__(self, v):\n        super().__init__()\n        self.v = v",
        ),
        "print(Weight(3).show())",
    ),
    Case(
        "dataclass and enum",
        (
            (
                "from dataclasses import dataclass, field\nimport enum\n@dataclass(order=True)\nclass P:\n"
                "    x: int\n    y: list = field(default_factory=list)\nclass C(enum.Enum):\n    RED = 1"
            ),
        ),
        "print(P(1), C.RED, P(1) < P(2))",
    ),
    Case(
        "abstract class and property",
        (
            (
                "from abc import ABC, abstractmethod\nclass A(ABC):\n    @abstractmethod\n    def f(self): ...\n"
                "    @property\n    def g(self):\n        return self.f() + bonus\nclass B(A):\n"
                "    def f(self):\n        return 1\nbonus = 10"
            ),
        ),
        "print(B().g)",
    ),
    Case(
        "subclass of a library's class",
        ("import json\nclass Enc(json.JSONEncoder):\n    def default(self, o):\n        return tag\ntag = 'T'",),
        "print(json.dumps(object(), cls=Enc))",
    ),
    # the cell's own logic
    Case(
        "own names",
        (),
        "try:\n    x = int('a')\nexcept ValueError as e:\n    x = str(e)[:7]\nfor y in [1]:\n    pass\n"
        "with open(__name__ + '.txt', 'w') as f:\n    f.write(x)\nmatch x:\n    case z:\n"
        "        print(z, y)",
    ),
    Case(
        "rerun cell whose loop made a frame",
        ("import pandas as pd", "for i in range(2):\n    df = pd.DataFrame({'a': [i]})\nprint(len(df))"),
        "for i in range(2):\n    df = pd.DataFrame({'a': [i]})\nprint(len(df))",
    ),
    Case("used before it is set, in a function", (), "def f():\n    return later\nlater = 3\nprint(f())"),
    Case("shell line with a name", ("word = 'hello'",), "out = !echo {word}\nprint(out[0])"),
    Case("display", ("v = 3",), "if v > 5:\n    display(v)\nprint('ok')"),
    # refused, with the right name and cell
    Case(
        "frame",
        ("import pandas as pd", "df = pd.DataFrame({'a': [1]})"),
        "print(df.shape)",
        ("'df'", "pandas.DataFrame", "In [2]"),
    ),
    Case(
        "frame behind a function",
        ("import pandas as pd\ndf = pd.DataFrame()", "def f():\n    return df"),
        "f()",
        ("'df'", "In [1]", "'f'"),
    ),
    Case(
        "fitted object",
        ("class Model:\n    def fit(self):\n        self.c = 1\n        return self", "model = Model().fit()"),
        "print(model.c)",
        ("'model'", "In [2]"),
    ),
    Case(
        "closure",
        ("def make(n):\n    def add(x):\n        return x + n\n    return add", "inc = make(1)"),
        "print(inc(1))",
        ("'inc'", "In [2]"),
    ),
    Case("deleted", ("x = 1", "del x"), "print(x)", ("'x'", "deleted", "In [2]")),
    Case(
        "deleted behind a function",
        ("x = 1\ndef f():\n    return x", "del x"),
        "print(f())",
        ("'x'", "deleted", "In [2]", "'f'"),
    ),
    Case("never defined", (), "print(nobody)", ("'nobody'", "not defined")),
    Case(
        "default changed since",
        ("n = 3\ndef f(x, n=n):\n    return x + n", "n = 4"),
        "print(f(1))",
        ("'f'", "'n'", "In [2]"),
    ),
    Case(
        "default filled up",
        ("def f(x, seen=[]):\n    seen.append(x)\n    return len(seen)", "f(1)"),
        "print(f(2))",
        ("'f'", "default", "In [1]"),
    ),
    Case(
        "decorator changed since",
        (
            "def deco(f):\n    return lambda: f() + 1",
            "@deco\ndef f():\n    return 1",
            "def deco(f):\n    return lambda: f() + 2",
        ),
        "print(f())",
        ("'f'", "'deco'", "In [3]"),
    ),
    Case("class attribute changed", ("class A:\n    n = 0", "A.n = 5"), "print(A.n)", ("'A'", "'n'", "In [1]")),
    Case(
        "method put in later",
        ("class A:\n    pass", "A.f = lambda self: 1"),
        "print(A().f())",
        ("'A'", "'f'", "In [1]"),
    ),
    Case(
        "base made anew",
        (
            "class A:\n    def f(self):\n        return 1",
            "class B(A):\n    pass",
            "class A:\n    def f(self):\n        return 2",
        ),
        "print(B().f())",
        ("'B'", "'A'", "In [3]"),
    ),
    Case("function with attributes", ("def f():\n    return f.n", "f.n = 3"), "print(f())", ("'f'", "(n)", "In [1]")),
    Case("huge list", ("big = list(range(2_000_000))",), "print(len(big))", ("'big'", "too large", "In [1]")),
    Case("huge text", ("text = 'x' * 50_000_000",), "print(len(text))", ("'text'", "too large", "In [1]")),
    Case(
        "object whose repr never ends",
        ("class Slow:\n    def __repr__(self):\n        while True: pass\ns = Slow()",),
        "print(type(s))",
        ("'s'", "In [1]"),
    ),
    Case("list in itself", ("loop = [1]\nloop.append(loop)",), "print(len(loop))", ("'loop'", "In [1]")),
    Case(
        "list shared inside",
        ("inner = [1]\nouter = {'a': inner}",),
        "inner.append(2)\nprint(outer)",
        ("hold the same",),
    ),
    Case(
        "number of a library",
        ("import numpy as np\nx = np.float64(1.5)",),
        "print(x)",
        ("'x'", "numpy.float64", "In [1]"),
    ),
    Case(
        "password",
        ("db_password = 'hunter22'",),
        "print(len(db_password))",
        ("'db_password'", "secret", "In [1]", "--secret DB_PASSWORD"),
    ),
    Case("key in a dict", ("conf = {'api_key': 'abcdefgh'}",), "print(conf)", ("'conf'", "secret", "In [1]")),
    Case(
        "address with a password", ("url = 'postgresql://me:pw@host/db'",), "print(url)", ("'url'", "secret", "In [1]")
    ),
    Case(
        "read from the environment",
        ("import os\nhome = os.environ['HOME']",),
        "print(home)",
        ("'home'", "In [1]", "os.environ"),
    ),
    Case("earlier output", ("1 + 1",), "print(_ + 1)", ("'_'", "memory")),
    Case("code at run time", ("x = 1",), "print(eval('x' + ' + 1'))", ("eval()",)),
    Case(
        "two frames",
        ("import pandas as pd\na = pd.DataFrame()", "b = pd.DataFrame()"),
        "print(len(a), len(b))",
        ("'a'", "In [1]", "'b'", "In [2]"),
    ),
)
