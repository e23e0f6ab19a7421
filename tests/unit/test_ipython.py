"""IPython's syntax: compared with IPython itself, in form and in what the Python made of it does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kestra_nb.ipython import translate
from kestra_nb.ipython.syntax import Plain, split
from kestra_nb.model.finding import Location
from kestra_nb.read import from_cells
from kestra_nb.source import to_script
from tests.ipython_form import dumped, in_ipythons_form, of_ipython

if TYPE_CHECKING:
    from pathlib import Path

PLACE = Location(cell=1)


# --- the form -------------------------------------------------------------------------------------------------------

CELLS = [
    "x = 1\n!ls -l\ny = 2",
    "%matplotlib inline",
    "%time x = 1",
    "if True:\n    %cd ..\n    !pwd\nelse:\n    x?",
    "files = !ls *.csv",
    "a, b = %env HOME",
    "self.x[0] = !ls",
    "!!ls",
    "f?",
    "f??",
    "?f",
    "??f.g",
    "*int*?",
    "np.*load*?",
    "%timeit?",
    "a[0].b?",
    "?",
    "%%bash\nls\necho 'x'",
    "%%time\nx = 1\n",
    "\n\n%%capture out --no-stderr\nprint(1)",
    "%%bash?",
    "    x = 1\n    !ls",
    ">>> x = 1\n>>> if x:\n...     print(x)",
    "In [1]: x = 1\n   ...: y = 2",
    "In [3]: %cd ..",
    "!ls \\\n  -l \\\n  -a\nx = 1",
    "%run x.py \\\n --flag",
    "x = \\\n !ls",
    "s = '''\n%cd ..\n!ls\n'''\n!pwd",
    'def f():\n    """\n    !ls\n    ?\n    """\n    %pwd\n',
    "x = (1\n%time\n)",
    "y = [5\n     !=3]",
    "f(a=1)\n!ls",
    "# !ls\n#%time\nx = 1 # ?",
    "x = 'what?'\n'what?'",
    "/f 1 2",
    ",f a b",
    ";f a b",
    "x = 5 %3",
    "f'{x!r}' \n!ls {x!r}",
    "x: int = 1\ny: str = !ls",
    "@decorator\ndef f(): ...\n%load_ext x",
    "for i in range(3):\n\t!echo {i}\n",
    "x = 1\n\n\n%%bash\nls",
    "%ls\r\n",
    "%",
    "!",
    "%%",
    "%a\\",
    "x=!ls",
    "x=%env A",
    "async def f():\n    x = !ls\n    await g()",
    "match x:\n    case 1:\n        !ls",
    "",
    "   ",
    "\n",
]


NOT_EVEN_IPYTHON = [
    "a = b = !ls",
    "d = {'a': 1}; x = !echo {d}",
    "x = %3",
    "x = 1 if y else !ls",
    "lambda: 1\nx == !ls",
    "print('it''s') ; !ls",
    "x =",
    "'''",
    "(",
    "\\",
    "a?b",
    "a ? b",
    "a?  ",
    "a? # b",
]


@pytest.mark.parametrize("cell", CELLS)
def test_same_tree_in_ipythons_form(cell: str) -> None:
    expected = of_ipython(cell)
    assert expected is not None
    assert dumped(in_ipythons_form(cell)) == expected


@pytest.mark.parametrize("cell", NOT_EVEN_IPYTHON)
def test_what_ipython_refuses_is_taken_without_complaint(cell: str) -> None:
    assert of_ipython(cell) is None
    assert translate(cell, PLACE).text


def test_pieces_cover_every_line_once() -> None:
    cell = "x = 1\n!ls \\\n -l\nif x:\n    y = !ls\n    x?\nz = '''\n%no\n'''\n"
    lines = []
    for piece in split(cell):
        count = piece.text.count("\n") + 1 if isinstance(piece, Plain) else piece.last - piece.first + 1
        lines += list(range(piece.first, piece.first + count))
    assert lines == list(range(1, cell.count("\n") + 2))


@pytest.mark.parametrize(
    "cell",
    [
        "x = 1\n",
        "if x % 2:\n    y = (a\n  % b)\n",
        "s = '''\n  \n!ls\n'''",
        "if x:\n\ty = 2\f\n",
        "await f()\nasync with a as b:\n    pass",
        "x = 'a\u2028b'  # c\u2029d\x85e",
        "print(1);",
    ],
)
def test_python_comes_over_unchanged(cell: str) -> None:
    made = translate(cell, PLACE)
    assert made.text == cell
    assert [line for _, line in made.lines] == list(range(1, cell.count("\n") + 2))
    assert not made.findings


# --- what it does ---------------------------------------------------------------------------------------------------

IN_IPYTHON = """
import contextlib, io, json, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.displayhook import DisplayHook

shell = InteractiveShell.instance(colors="nocolor")
shell.displayhook.quiet = lambda: True
answers = []
for cells in json.load(sys.stdin):
    shell.reset(new_session=False)
    kept = io.StringIO()
    with contextlib.redirect_stdout(kept):
        for cell in cells:
            result = shell.run_cell(cell)
            if not result.success:
                break
    answers.append([kept.getvalue(), bool(result.success)])
print(json.dumps(answers))
"""

SAME_OUTPUT = [
    ["x = 3\n!echo {x} $x {x + 1} {'a' * 2}"],
    ["!echo $HOME_OF_NOBODY done"],
    ["x = 3\n!echo $$ > /dev/null; echo '$x' \"{x}\""],
    ["!printf 'a b\\nc d\\n' | awk '{print $2}'"],
    ["d = {'k': 5}\n!echo {d['k']} {d}"],
    ["import os\n!echo {os.sep} $os.sep"],
    ["out = !printf 'one\\ntwo\\n'\nprint(list(out), out.n, out.s, out.l, len(out))"],
    ["name = 'x y'\nout = !echo \"$name\" {name!r}\nprint(list(out))"],
    ["!exit 3\nprint('goes on', _exit_code)"],
    ["!echo to stderr >&2"],
    ["out = !echo to stderr >&2\nprint(list(out))"],
    ["def f(inner):\n    !echo {inner}\n    got = !echo $inner\n    return list(got)\nprint(f('deep'))"],
    ["for i in range(3):\n    !echo {i}"],
    ["!for i in 1 2; do echo $i; done"],
    ["!echo one \\\n two"],
    ['%%bash\nfor i in 1 2 3; do\n  echo "it\'s $i"\ndone'],
    ["%%bash --out out --err err\necho good\necho bad >&2", "print([out, err])"],
    ["%%bash --no-raise-error\nfalse", "print('goes on')"],
    ["%%sh\necho {x} $((1+1))"],
    ["%%script cat\n'''quoted''' \\ back\\slash\n\n  blanks  \n"],
    ["%%python\nimport sys\nprint(sys.version_info[0])\nprint('''x''')"],
    ["%%python3 --out out\nprint('in', 5)", "print(out)"],
    ["%%capture out\nprint('hidden')\nx = '''\nnot indented\n'''", "print(repr(out.stdout), str(out), x)\nout.show()"],
    ["%%capture\nprint('hidden')\ndef f():\n    return '''a\nb'''\nx = f()", "print(repr(x))"],
    ["%%capture --no-stdout\nprint('seen')"],
    ["%%capture out\n!echo from the shell", "print(repr(out.stdout.strip()))"],
    ["%cd -q /\nimport os\nprint(os.getcwd())\nx = %pwd\nprint(x)"],
    ["import os\nplace = '/usr'\nos.chdir('/')\n%cd -q {place}\nprint(os.getcwd())"],
    ["import os\nv = 7\nos.environ['KNB_A'] = 'x'\nx = %env KNB_A\nprint(x)"],
    ["/print 1"],
    [",print a b"],
    [";print a b"],
    ["import asyncio\nawait asyncio.sleep(0)\nx = await asyncio.sleep(0, 5)\nprint(x)"],
    ["import asyncio\nasync def f():\n    return 3\ntask = asyncio.ensure_future(f())\nprint(await task)"],
    [
        "async def g():\n    yield 1\n    yield 2\nasync for i in g():\n    print(i)\nprint([j async for j in g()])",
        "print(i)",
    ],
    [
        "from math import *\nimport asyncio\nx: float = await asyncio.sleep(0, pi)\nprint(round(x, 2))",
        "print(floor(x))",
    ],
    [
        "import asyncio\nlock = asyncio.Lock()\nasync with lock:\n    def h():\n        return 1\n    print(h())",
        "print(h())",
    ],
    ["from __future__ import annotations\ndef f(x: Nobody): ...\nprint(f.__annotations__)"],
    [">>> x = 1\n>>> print(x)"],
    ["In [1]: print(2)"],
    ["get_ipython().system('echo {1+1}')\nx = get_ipython().getoutput('echo hi')\nprint(list(x))"],
    ["get_ipython().run_cell_magic('bash', '', 'echo in a cell\\n')"],
    ["get_ipython().run_line_magic('cd', '-q /')\nimport os\nprint(os.getcwd())"],
]


IN_PYTHON = """
import contextlib, io, json, os, sys

answers = []
before = os.getcwd()
for text in json.load(sys.stdin):
    os.chdir(before)
    kept = io.StringIO()
    done = True
    with contextlib.redirect_stdout(kept):
        try:
            exec(compile(text, "main.py", "exec"), {"__name__": "__main__"})
        except Exception as error:
            kept.write(repr(error))
            done = False
    answers.append([kept.getvalue(), done])
assert "IPython" not in sys.modules
print(json.dumps(answers))
"""


def run_all(program: str, texts: list[object], folder: Path) -> list[tuple[str, bool]]:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, input=json.dumps(texts), cwd=folder, capture_output=True, text=True, check=True)
    return [(text.replace("\r\n", "\n"), ok) for text, ok in json.loads(done.stdout.splitlines()[-1])]


def test_scripts_print_what_the_cells_print_in_ipython(tmp_path: Path) -> None:
    expected = run_all(IN_IPYTHON, list(SAME_OUTPUT), tmp_path)
    found = run_all(IN_PYTHON, [to_script(from_cells(cells)).text for cells in SAME_OUTPUT], tmp_path)
    different = {
        "\n---\n".join(cells): {"IPython": there, "script": here}
        for cells, there, here in zip(SAME_OUTPUT, expected, found, strict=True)
        if there != here
    }
    assert not different
    assert all(ok for _, ok in expected)


#: What the script prints, where IPython prints something else (times, profiles) or needs more than a bare shell.
OUTPUT = [
    (["x = [1]\n%xdel x\nprint('x' in globals())"], "False\n"),
    (["%%prun -q\nx = 5", "print(x)"], "5\n"),
    (["%prun -l 5 print(1)"], "1\n"),
    (["%lprun -f print print(2)"], "2\n"),
    (["x = %memit -r 1 -o 3\nprint(x)"], "3\n"),
    (["%%time\nx = 5\n", "print(x)"], r"CPU time: .* s, wall time: .* s\n5\n"),
    (["%time x = 6\nprint(x)"], r"CPU time: .* s, wall time: .* s\n6\n"),
    (["x = %time 5 + 5\nprint(x)"], r"CPU time: .* s, wall time: .* s\n10\n"),
    (["%time %timeit -n1 -r1 -q !echo nested"], r"nested\nCPU time: .*\n"),
    (["%timeit -q %who"], ""),
    (["%%!\nfalse\necho on"], "on\n"),
    (["import os\nos.chdir('/')\n%pushd /usr\n%popd\nprint(os.getcwd())"], "/\n"),
    (["%%opts Curve [width=3]\nprint(1)"], "1\n"),
    (["if 1:\n    %prun %pip install nothing"], ""),
    (["%time"], r"CPU time: .* s, wall time: .* s\n"),
    (["%timeit -n 2 -r 3 print(1)"], r"(1\n){6}.* s per run \(3 x 2\)\n"),
    (["%timeit -q print(1)"], r"1\n"),
    (["r = %timeit -o -q -n1 -r2 pass\nprint(r.loops, r.repeat, len(r.timings), r.best <= r.worst)"], "1 2 2 True\n"),
    (["%%timeit -n2 -r1 -q y = 3\nprint(y)\n\nif y:\n    print('''a\nb''')"], r"(3\na\nb\n){2}"),
    (
        ["%%writefile knb_made.txt\none\n  two '''x'''\n", "print(open('knb_made.txt').read(), end='')"],
        r"one\n  two '''x'''\n",
    ),
    (["%%writefile -a knb_made.txt\nthree", "print(open('knb_made.txt').read()[-6:], end='')"], "three\n"),
    (
        [
            "%%writefile knb_run.py\nimport sys\nheld = sys.argv[1:]\ndef f():\n    return held\nprint(__name__)",
            "%run knb_run.py a 'b c'\nprint(held, f())",
        ],
        r"__main__\n\['a', 'b c'\] \['a', 'b c'\]\n",
    ),
    (["%run knb_run\nprint(held)"], r"__main__\n\[\]\n"),
    (["base = 'knb'\n%run {base}_run.py\nprint(held)"], r"__main__\n\[\]\n"),
    (["x = 5", "%%writefile knb_shared.py\nprint(x + 1)", "%run -i knb_shared.py"], "6\n"),
    (["%%writefile other.ipynb.py\nz = 8", "%run other.ipynb\nprint(z)"], "8\n"),
    (["%run -m this_is_no_module"], "(Import|ModuleNotFound)Error.*"),
    (["%run -m calendar 2024 1"], r"\s+January 2024\n(.*\n)+"),
    (["%env KNB_B=a b\n%set_env KNB_C 2\nimport os\nprint(os.environ['KNB_B'], os.environ['KNB_C'])"], "a b 2\n"),
    (["v = 7\n%env KNB_D={v}\nx = %env\nprint(x['KNB_D'])"], "7\n"),
    (["%cd -q /usr\n%cd -q /\n%cd -\nimport os\nprint(os.getcwd())"], "/usr\n"),
    (["%cd\nimport os\nprint(os.getcwd() == os.path.expanduser('~'))"], "True\n"),
    (["%sx echo hi\nx = %sx echo ho\nprint(list(x))\n%system echo hu"], r"hi\n\['ho'\]\nhu\n"),
    (["%%bash\nexit 4", "print('not reached')"], r"CalledProcessError\(4, 'bash'\)"),
    (["display(1, 'a')\ndef f():\n    display([2])\nf()"], r"1\na\n\[2\]\n"),
    (["print('google.colab' in str(get_ipython()))"], "False\n"),
    (["%echo hi\n%ls knb_run.py\n"], r"hi\nknb_run.py\n"),
    (
        [
            "%load_ext autoreload\n%autoreload 2\n%who\n%config X.y = 1\n%pip list\n!pip install -q no\nprint?",
            "print(1)",
        ],
        "1\n",
    ),
    (["if True:\n    %who\n    x?\n    %pip install no\nelse:\n    !conda install no\nprint(1)"], "1\n"),
    (["%load_ext kestra_nb\n%kestra plan --strategy x", "%%kestra_flow\nprint(1)\n!echo 2"], "1\n2\n"),
    (["x = 1\ny = %who_ls\nprint('x' in y)"], "True\n"),
    (["pip install nothing-at-all\nprint(1)"], "1\n"),
    (["!pip install nothing && echo installed; echo 2 | cat"], "installed\n2\n"),
    (["%%html\n<b>{{ x }}</b>", "%%latex\n$x$", "print(1)"], "1\n"),
    (["%%capture\n!pip install nothing", "print(1)"], "1\n"),
    (["%%bash --bg --proc p\necho 1"], "1\n"),
    (["%%script --out x sh -c 'cat; echo done'\nbody", "print(x, end='')"], "body\ndone\n"),
    (["%%bash\necho '''a''' \"\"\"b\"\"\""], "a b\n"),
    (["%%perl\nprint 'perl';"], "perl"),
    (["import asyncio", "%%time\nawait asyncio.sleep(0)\nx = 2", "print(x)"], r"CPU time.*\n2\n"),
    (["import asyncio\nt = asyncio.create_task(asyncio.sleep(0, 9))", "print(await t)"], "9\n"),
]


def test_what_scripts_print(tmp_path: Path) -> None:
    found = run_all(IN_PYTHON, [to_script(from_cells(cells)).text for cells, _ in OUTPUT], tmp_path)
    different = {
        "\n---\n".join(cells): (expected, text)
        for (cells, expected), (text, _) in zip(OUTPUT, found, strict=True)
        if not re.fullmatch(expected, text)
    }
    assert not different


def test_a_script_runs_as_a_file_with_its_lines_in_order(tmp_path: Path) -> None:
    cells = ["print('first')\n!echo second", "%%bash\necho third", "import sys\nprint('fourth')\n1 / 0"]
    (tmp_path / "main.py").write_text(to_script(from_cells(cells)).text, encoding="utf-8")
    command = [sys.executable, "main.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["first", "second", "third", "fourth"]
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
