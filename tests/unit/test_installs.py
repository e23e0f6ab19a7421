"""Lines that install something, in the forms people type."""

from __future__ import annotations

import pytest

from kestra_nb.ipython.installs import only_shows, read_install, without_credentials
from kestra_nb.read import from_cells
from kestra_nb.source import to_script

REQUIREMENTS = [
    ("pip install pandas", ["pandas"]),
    ("pip3 install -q -U pandas numpy", ["pandas", "numpy"]),
    ("pip3.11 install pandas", ["pandas"]),
    ("pip install --quiet --upgrade 'pandas>=2,<3' \"x[a,b]~=1.0\"", ["pandas>=2,<3", "x[a,b]~=1.0"]),
    ("pip install pandas>=2.0", ["pandas>=2.0"]),
    ("pip install pandas>1.2 numpy<2", ["pandas>1.2", "numpy<2"]),
    ("pip install pandas == 2.0.1 numpy", ["pandas==2.0.1", "numpy"]),
    ("pip install numpy=1.26", ["numpy==1.26"]),
    ("pip install pandas > /dev/null 2>&1", ["pandas"]),
    ("pip install pandas>/dev/null", ["pandas"]),
    ("pip install pandas &> log.txt", ["pandas"]),
    ("pip install pandas 2> err.txt", ["pandas"]),
    ("pip install pandas | tail -n 1", ["pandas"]),
    ("pip install pandas  # comment 'here", ["pandas"]),
    ("pip install pandas &", ["pandas"]),
    ("yes | pip install pandas", ["pandas"]),
    ("sudo pip install pandas", ["pandas"]),
    ("sudo -H pip install pandas", ["pandas"]),
    ("PIP_NO_CACHE=1 pip install pandas", ["pandas"]),
    ("pip --no-cache-dir install pandas", ["pandas"]),
    ("/usr/bin/pip install pandas", ["pandas"]),
    ("python -m pip install pandas", ["pandas"]),
    ("python3.9 -m pip install pandas", ["pandas"]),
    ("{sys.executable} -m pip install pandas", ["pandas"]),
    ('"{sys.executable}" -m pip install pandas', ["pandas"]),
    ("$sys.executable -m pip install pandas", ["pandas"]),
    ("py -3 -m pip install pandas", ["pandas"]),
    ("uv pip install pandas", ["pandas"]),
    ("uv add pandas 'numpy>=2'", ["pandas", "numpy>=2"]),
    ("python -m uv pip install pandas", ["pandas"]),
    ("pip install -i https://index.example/simple pandas", ["pandas"]),
    ("pip install --index-url=https://index.example/simple --no-deps pandas", ["pandas"]),
    ("pip install -f https://wheels.example/x.html torch==2.1.0+cpu", ["torch==2.1.0+cpu"]),
    ("pip install -t lib --no-binary :all: pandas", ["pandas"]),
    ("pip install -- pandas", ["pandas"]),
    ("pip install pandas, numpy", ["pandas", "numpy"]),
    ("pip install 'tomli; python_version < \"3.11\"'", ['tomli; python_version < "3.11"']),
    ("pip install git+https://github.com/a/pkg.git@v1#egg=pkg", ["pkg @ git+https://github.com/a/pkg.git@v1"]),
    ("pip install git+https://github.com/a/pkg.git", ["pkg @ git+https://github.com/a/pkg.git"]),
    ("pip install git+https://github.com/a/pkg@main", ["pkg @ git+https://github.com/a/pkg@main"]),
    ("pip install 'pkg[x] @ git+https://github.com/a/b@main'", ["pkg[x] @ git+https://github.com/a/b@main"]),
    ("pip install pkg @ https://h.example/pkg-1.zip", ["pkg @ https://h.example/pkg-1.zip"]),
    ("pip install -e git+https://github.com/a/b#egg=pkg[x]", ["pkg[x] @ git+https://github.com/a/b"]),
    (
        "pip install 'git+https://github.com/a/b#egg=pkg&subdirectory=py'",
        ["pkg @ git+https://github.com/a/b#subdirectory=py"],
    ),
    ("pip install 'git+https://h.example/a/b#subdirectory=py'", ["b @ git+https://h.example/a/b#subdirectory=py"]),
    ("pip install git+https://me:secret@h.example/a/b#egg=b", ["b @ git+https://h.example/a/b"]),
    ("pip install https://h.example/p_q-1.2-py3-none-any.whl", ["p_q @ https://h.example/p_q-1.2-py3-none-any.whl"]),
    ("pip install https://h.example/pq-1.2.tar.gz", ["pq @ https://h.example/pq-1.2.tar.gz"]),
    ("pip install ./dist/p_q-1.2-cp311-cp311-manylinux_2_17_x86_64.whl", ["p_q==1.2"]),
    ("pip install -r requirements.txt", [""]),
    ("pip install -rrequirements.txt pandas", ["", "pandas"]),
    ("pip install --requirement=a.txt -c constraints.txt pandas", ["", "pandas"]),
    ("pip install .", [""]),
    ("pip install -e .[dev]", [""]),
    ("pip install ../lib ~/x /abs/y a/b", ["", "", "", ""]),
    ("pip install https://h.example/archive", [""]),
    ("pip install 'unclosed pandas", ["unclosed", "pandas"]),
    ("pip install a && pip install b; pip3 install c", ["a", "b", "c"]),
    ("conda install -y -c conda-forge numpy pandas=1.5 python=3.10", ["numpy", "pandas==1.5.*"]),
    ("conda install numpy==1.26.4 'scipy>=1.10'", ["numpy==1.26.4", "scipy>=1.10"]),
    ("mamba install conda-forge::geopandas=0.14=py_0", ["geopandas==0.14"]),
    ("micromamba install -n base numpy=1.26.*", ["numpy==1.26.*"]),
    ("conda install 'numpy>=1|<1'", ["numpy>=1"]),
    ("conda install --file reqs.txt", [""]),
]


@pytest.mark.parametrize(("line", "expected"), REQUIREMENTS)
def test_what_a_line_asks_for(line: str, expected: list[str]) -> None:
    found = read_install(line)
    assert found is not None
    assert [wish.requirement for wish in found.wishes] == expected
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    "line",
    [
        "ls",
        "echo install",
        "apt-get install gcc",
        "npm install x",
        "pip list",
        "pip download x",
        "git add .",
        "pip freeze",
    ],
)
def test_other_lines_install_nothing(line: str) -> None:
    assert read_install(line) is None


@pytest.mark.parametrize("line", ["pip list", "pip --version", "conda info", "uv pip freeze", "python -m pip show x"])
def test_lines_that_only_show(line: str) -> None:
    assert only_shows(line)


def test_uninstalled_is_removed() -> None:
    found = read_install("pip uninstall -y pandas && uv remove numpy && conda remove scipy")
    assert found is not None
    assert [(wish.requirement, wish.removed) for wish in found.wishes] == [
        ("pandas", True),
        ("numpy", True),
        ("scipy", True),
    ]


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("pip install a && python setup.py build", "python setup.py build"),
        ("cd x; pip install a; make | tee log && ls", "cd x ; make | tee log && ls"),
        ("pip install a | grep -v x", ""),
        ("cd x && pip install -e .", "cd x"),
        ("echo 'a; pip install b' ; pip install c", "echo 'a; pip install b'"),
    ],
)
def test_other_commands_of_the_line_stay(line: str, rest: str) -> None:
    found = read_install(line)
    assert found is not None
    assert found.rest == rest


def test_an_index_is_noticed_and_its_credentials_are_not_repeated() -> None:
    found = read_install("pip install --extra-index-url https://u:pw@index.example/simple pandas")
    assert found is not None
    assert found.index
    assert without_credentials("https://u:pw@index.example/simple") == "https://index.example/simple"
    script = to_script(from_cells(["!pip install -i https://u:pw@index.example/simple pandas"]))
    assert "u:pw" not in script.text
    assert [finding.code for finding in script.findings] == ["KNB108"]


def test_requirements_come_with_their_place_and_origin() -> None:
    script = to_script(
        from_cells(["x = 1\n%pip install -q a==1 \\\n  'b[c]'\n!conda install d", "!pip uninstall -y a"])
    )
    found = [(item.text, item.origin, item.location.cell, item.location.line, item.removed) for item in script.declared]
    assert found == [
        ("a==1", "pip line", 1, 2, False),
        ("b[c]", "pip line", 1, 2, False),
        ("d", "conda line", 1, 4, False),
        ("a", "pip line", 2, 1, True),
    ]
    assert [str(item.requirement) for item in script.declared] == ["a==1", "b[c]", "d", "a"]
    assert "pip" not in "\n".join(line for line in script.text.split("\n") if not line.startswith("#"))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("%pip install ./local", "KNB107"),
        ("%pip install {name}==1", "KNB106"),
        ("%pip install https://h.example/archive", "KNB106"),
        ("!apt-get install -y gcc", "KNB110"),
        ("!sudo apt install gcc", "KNB110"),
    ],
)
def test_installs_that_need_a_word(line: str, code: str) -> None:
    finding = to_script(from_cells([line])).findings[0]
    assert finding.code == code
    assert finding.severity == "warning"
    assert str(finding.location) == "cell 1:1"


@pytest.mark.parametrize(
    "call",
    [
        "import os\nos.system('pip install a b==2')",
        "import subprocess, sys\nsubprocess.check_call([sys.executable, '-m', 'pip', 'install', 'a', 'b==2'])",
        "import subprocess\nsubprocess.run('pip install a b==2', shell=True)",
        "import os, sys\nos.system(f'{sys.executable} -m pip install a b==2')",
        "import pip\npip.main(['install', 'a', 'b==2'])",
    ],
)  # fmt: skip
def test_installs_from_python_are_requirements_and_stay(call: str) -> None:
    script = to_script(from_cells([call]))
    assert [item.text for item in script.declared] == ["a", "b==2"]
    assert [finding.code for finding in script.findings] == ["KNB142"]
    assert call in script.text


def test_ordinary_calls_install_nothing() -> None:
    script = to_script(
        from_cells(["install = 1\nprint(install)\nos.system(command)\nmain()\nrun([x, 'install'])\nf()()"])
    )
    assert not script.declared
