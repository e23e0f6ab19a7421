# ruff: noqa
# mypy: ignore-errors
# The functions that a translated script may call, in the order in which they are pasted into it. Each stands for
# something that IPython does; the text of this file is data, and is never imported by the kit.
import asyncio as _asyncio
import contextlib as _contextlib
import io as _io
import os as _os
import re as _re
import runpy as _runpy
import shlex as _shlex
import shutil as _shutil
import statistics as _statistics
import string as _string
import subprocess as _subprocess
import sys as _sys
import tempfile as _tempfile
import time as _time
import tokenize as _tokenize
import types as _types


def _nb_fill(text):
    """Put values into a command as IPython does: {expression} and $name, all of them or none."""
    frame = _sys._getframe(1)
    names = dict(frame.f_globals, **frame.f_locals)
    dollar = r"(.*?)\$(\$?[\w\.]+)(?=([^']*'[^']*')*[^']*$)"
    parts = []
    try:
        for plain, field, spec, conversion in _string.Formatter().parse(text):
            end = 0
            for found in _re.finditer(dollar, plain):
                name = found[2]
                parts += [found[1], name if name[0] == "$" else format(eval(name, names))]
                end = found.end()
            parts.append(plain[end:])
            if field is not None:
                value = eval(field + (":" + spec if spec else ""), names)
                parts.append(format(_string.Formatter().convert_field(value, conversion)))
    except Exception:
        return text
    return "".join(parts)


def _nb_sh(command):
    """Run a shell line and show what it prints; like IPython's ! it goes on when the command fails."""
    global _exit_code
    with _subprocess.Popen(
        command, shell=True, executable=_shutil.which("bash"), text=True, errors="replace",
        stdout=_subprocess.PIPE, stderr=_subprocess.STDOUT,
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
    _exit_code = process.returncode


class _nb_Lines(list):
    """Lines of output, with the attributes that IPython gives them."""

    l = property(list)
    n = nlstr = property("\n".join)
    s = spstr = property(" ".join)


def _nb_lines(command):
    """Run a shell line and give the lines it prints, errors included."""
    done = _subprocess.run(
        command, shell=True, executable=_shutil.which("bash"), text=True, errors="replace",
        stdout=_subprocess.PIPE, stderr=_subprocess.STDOUT,
    )
    return _nb_Lines(done.stdout.splitlines())


def _nb_script(command, text, out=False, err=False, check=True):
    """Give text to a program as %%script does; a program that fails stops the script, unless check is false."""
    words = _shlex.split(command)
    if words[0] in ("python", "python3"):
        words[0] = _sys.executable
    kept = []
    with _tempfile.TemporaryFile("w+") as given, _tempfile.TemporaryFile("w+") as errors:
        given.write(text)
        given.seek(0)
        with _subprocess.Popen(
            words, stdin=given, stdout=_subprocess.PIPE, stderr=errors if err else None, text=True, errors="replace"
        ) as process:
            for line in process.stdout:
                kept.append(line) if out else print(line, end="", flush=True)
        errors.seek(0)
        shown = errors.read()
    if check and process.returncode:
        raise _subprocess.CalledProcessError(process.returncode, command)
    return "".join(kept), shown


def _nb_write(path, text, mode="w"):
    """Write a file as %%writefile does."""
    with open(_os.path.expanduser(path), mode, encoding="utf-8") as file:
        file.write(text)


def _nb_run(path, *words, module=False, shared=False):
    """Run a script, or a module, as %run does: its names are there afterwards."""
    names = _sys._getframe(1).f_globals
    argv = _sys.argv
    if module:
        _sys.argv = [path, *words]
        names.update(_runpy.run_module(path, run_name="__main__", alter_sys=True))
        _sys.argv = argv
        return
    path = path + ".py" if path.endswith(".ipynb") else path
    places = [_os.path.join(folder, path) for folder in ["", *_sys.path]]
    found = next(filter(_os.path.isfile, places), path)
    own = dict(names if shared else {}, __name__="__main__", __file__=found)
    _sys.argv = [found, *words]
    try:
        with _tokenize.open(found) as file:
            exec(compile(file.read(), found, "exec"), own)
    finally:
        _sys.argv = argv
    names.update((name, value) for name, value in own.items() if not name.startswith("__"))


def _nb_cd(path="~"):
    """Change the folder as %cd does."""
    global _nb_before
    before = _os.getcwd()
    _os.chdir(_os.path.expanduser(globals().get("_nb_before", ".") if path == "-" else path))
    _nb_before = before


def _nb_env(name=None, value=None):
    """Give or set environment variables as %env does."""
    if value is not None:
        _os.environ[name] = value
    return dict(_os.environ) if name is None else _os.environ[name]


class _nb_Captured:
    """What %%capture keeps: the text that was printed."""

    def __init__(self, out, err):
        self._out, self._err = out, err

    stdout = property(lambda self: self._out.getvalue())
    stderr = property(lambda self: self._err.getvalue())
    outputs = ()

    def __str__(self):
        return self.stdout

    def show(self):
        print(self.stdout, end="")
        print(self.stderr, end="", file=_sys.stderr)

    __call__ = show


@_contextlib.contextmanager
def _nb_capture(out=True, err=True):
    """Keep what is printed, as %%capture does."""
    kept = _io.StringIO(), _io.StringIO()
    with _contextlib.ExitStack() as stack:
        if out:
            stack.enter_context(_contextlib.redirect_stdout(kept[0]))
        if err:
            stack.enter_context(_contextlib.redirect_stderr(kept[1]))
        yield _nb_Captured(*kept)


def _nb_clock():
    """Begin to measure, as %time does."""
    return _time.perf_counter(), _time.process_time()


def _nb_took(start):
    """Print the time since _nb_clock."""
    wall, cpu = _time.perf_counter() - start[0], _time.process_time() - start[1]
    print(f"CPU time: {cpu:.3g} s, wall time: {wall:.3g} s", flush=True)


def _nb_timed(function):
    """Measure one expression, as x = %time does."""
    start = _nb_clock()
    value = function()
    _nb_took(start)
    return value


def _nb_timeit(function, number=1, repeat=1, quiet=False):
    """Measure as %timeit does, but once unless the line says how often."""
    runs = []
    for _ in range(repeat):
        start = _time.perf_counter()
        for _ in range(number):
            function()
        runs.append((_time.perf_counter() - start) / number)
    if not quiet:
        print(f"{_statistics.mean(runs):.3g} s per run ({repeat} x {number})", flush=True)
    return _types.SimpleNamespace(
        all_runs=[run * number for run in runs], timings=runs, average=_statistics.mean(runs), best=min(runs),
        worst=max(runs), stdev=_statistics.pstdev(runs), loops=number, repeat=repeat,
    )


def _nb_await(coroutine):
    """Run a cell that awaits something; all such cells share one event loop, as they do in a kernel."""
    global _nb_loop
    if "_nb_loop" not in globals():
        _nb_loop = _asyncio.new_event_loop()
        _asyncio.set_event_loop(_nb_loop)
    return _nb_loop.run_until_complete(coroutine)


def display(*values, **options):
    """Show values where there is no notebook: as text."""
    for value in values:
        print(value, flush=True)


def get_ipython():
    """There is no IPython here."""
    return None
