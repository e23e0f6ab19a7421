"""Needs that no import shows."""

from __future__ import annotations

import re

import pytest

from kestra_nb import tables, uses
from kestra_nb.imports import find_imports
from kestra_nb.model import uses as shapes
from kestra_nb.model.finding import Location
from tests.installed import script

PLACE = Location(cell=1)


def used(*cells: str) -> set[str]:
    return {item.module for item in find_imports(script(*cells)) if item.how == "use"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pd.read_parquet('x.parquet')", {"pyarrow"}),
        ("df.to_parquet('x', engine='fastparquet')", {"fastparquet"}),
        ("df.to_feather('x')", {"pyarrow"}),
        ("pd.read_excel('x.xlsx')", {"openpyxl"}),
        ("pd.read_excel('x.xls')", {"xlrd"}),
        ("pd.read_excel(f'{folder}/x.ods')", {"odf"}),
        ("pd.read_excel(path, engine='calamine')", {"python_calamine"}),
        ("df.to_excel('x.xlsx', engine='xlsxwriter')", {"xlsxwriter"}),
        ("df.to_sql('t', con)", {"sqlalchemy"}),
        ("df.to_sql('t', create_engine('postgresql://u@h/d'))", {"sqlalchemy", "psycopg2"}),
        ("url = 'mysql+pymysql://u:p@h/d'", {"pymysql"}),
        ("pd.read_html('x')", {"lxml"}),
        ("pd.read_hdf('x')", {"tables"}),
        ("pd.HDFStore('x')", {"tables"}),
        ("df.to_markdown()", {"tabulate"}),
        ("df.plot()", {"matplotlib"}),
        ("df.plot.bar()", {"matplotlib"}),
        ("df.style.format('x')", {"jinja2"}),
        ("df.plot(backend='plotly')", {"plotly"}),
        ("pd.options.plotting.backend = 'plotly'", {"plotly"}),
        ("pd.set_option('plotting.backend', 'hvplot')", {"hvplot"}),
        ("pd.read_csv('s3://bucket/x.csv')", {"s3fs"}),
        ("pd.read_csv(f's3://{bucket}/x.csv')", {"s3fs"}),
        ("pd.read_csv('gs://bucket/x.csv')", {"gcsfs"}),
        ("pd.read_csv('https://host/x.csv')", set()),
        ("a.corr(b, method='spearman')", {"scipy"}),
        ("df.corr(method='spearman')", set()),
        ("a.corr(b)", set()),
        ("import matplotlib.pyplot as plt\nplt.style.use('x')", set()),
        ("import hvplot.networkx as hvnx, networkx\nhvnx.draw(g)", {"networkx"}),
        ("import hvplot.pandas\ndf.hvplot.hist()", {"pandas"}),
        ("import hvplot.pandas\ndf.hvplot.kde()", {"pandas", "scipy"}),
        ("import hvplot.pandas\ndf.hvplot.scatter(datashade=True)", {"pandas", "datashader"}),
        ("import numpy as np, xarray\nnp.interp(1, x, y)", set()),
        ("with pd.ExcelWriter('x', engine='xlsxwriter') as w:\n    df.to_excel(w)", {"xlsxwriter"}),
        ("df.interpolate(method='linear')", set()),
        ("df.interpolate(method='spline', order=2)", {"scipy"}),
        ("df.rolling(3, win_type='gaussian').mean()", {"scipy"}),
        ("pd.read_csv('x', engine='pyarrow')", {"pyarrow"}),
        ("x = 'read_parquet'", set()),
    ],
)
def test_pandas_engines(text: str, expected: set[str]) -> None:
    assert used("import pandas as pd", text) == expected


def test_a_trigger_without_its_library_is_nothing() -> None:
    assert used("import csv", "x.read_excel('y'); x.to_sql('z', c); x.plot(); y = 's3://bucket'") == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import pandas as pd, sqlite3\npd.read_sql('q', sqlite3.connect('x'))", set()),
        ("import pandas as pd, matplotlib.pyplot as plt\ndf.plot()", set()),
        ("from bs4 import BeautifulSoup\nBeautifulSoup(t, 'lxml')", {"lxml"}),
        ("from bs4 import BeautifulSoup\nBeautifulSoup(t, features='html5lib')", {"html5lib"}),
        ("from bs4 import BeautifulSoup\nBeautifulSoup(t, 'html.parser')", set()),
        ("import networkx as nx\nnx.draw(g)", {"matplotlib"}),
        ("import plotly.graph_objects as go\nfig.write_image('x.png')", {"kaleido"}),
        ("import xarray as xr\nxr.open_dataset('x.nc')", {"netCDF4"}),
        ("import xarray as xr\nxr.open_dataset('x.nc', engine='h5netcdf')", {"h5netcdf"}),
        ("import xarray as xr\nxr.open_zarr('x')", {"zarr", "dask"}),
        ("import xarray as xr\nxr.tutorial.open_dataset('rasm')", {"pooch", "netCDF4"}),
        ("from xarray import tutorial\ntutorial.open_dataset('rasm')", {"pooch", "netCDF4"}),
        ("import xarray as xr\nda.interp(x=[1])", {"scipy"}),
        ("from bokeh.sampledata.autompg import autompg", {"bokeh_sampledata"}),
        ("from holoviews.operation.datashader import rasterize", {"datashader"}),
        ("import dowhy\ndowhy.CausalModel(df, graph='digraph {a -> b}')", {"pydot"}),
        ("import dowhy\ndowhy.CausalModel(df, graph='x.gml')", set()),
        ("import jwt\njwt.encode(a, key, algorithm='RS256')", {"cryptography"}),
        ("import jwt\njwt.encode(a, key, algorithm='HS256')", set()),
        ("import holoviews as hv\nhv.extension('bokeh', 'plotly')", {"bokeh", "plotly"}),
        ("import dask.dataframe as dd", {"dask"}),
        ("from dask.distributed import Client", {"distributed"}),
        ("from tqdm.notebook import tqdm", {"ipywidgets"}),
        ("import seaborn as sns\nsns.clustermap(d)", {"scipy"}),
        ("import spacy\nspacy.load('en_core_web_sm')", {"en_core_web_sm"}),
        ("import hvplot.pandas", {"pandas"}),
        ("import duckdb\nduckdb.sql('q').df()", {"pandas", "numpy"}),
        ("import polars as pl\nframe.to_pandas()", {"pandas", "pyarrow"}),
        ("from sqlalchemy import create_engine\ncreate_engine('sqlite:///x.db')", set()),
        ("from sqlalchemy import create_engine\ncreate_engine('duckdb:///x')", {"duckdb_engine", "duckdb"}),
        ("import httpx\nhttpx.Client(http2=True)", {"h2"}),
        ("import httpx\nhttpx.Client(http2=False)", set()),
    ],
)
def test_other_libraries(text: str, expected: set[str]) -> None:
    assert used(text) == expected


def test_an_extra_is_told_apart_from_a_module() -> None:
    (use,) = [item for item in find_imports(script("import dask.dataframe as dd")) if item.how == "use"]
    assert (use.module, use.extras, use.why) == ("dask", ("dataframe",), "import of dask.dataframe")


def test_a_use_says_what_shows_it_and_where() -> None:
    found = find_imports(script("import pandas as pd", "a = 1\ndf = pd.read_parquet('x')"))
    (use,) = [item for item in found if item.how == "use"]
    assert (use.why, use.location.cell, use.location.line, use.alternatives) == (
        "read_parquet(…)",
        2,
        2,
        (),
    )


def test_a_use_under_a_guard_is_as_guarded() -> None:
    (_, use) = find_imports(script("try:\n    from dask.distributed import Client\nexcept ImportError:\n    pass"))
    assert (use.module, use.guarded) == ("distributed", "try")


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (("extension", "sql", PLACE), ["sql"]),
        (("extension", "autoreload", PLACE), []),
        (("extension", "google.cloud.bigquery", PLACE), ["google.cloud.bigquery"]),
        (("matplotlib", "inline", PLACE), ["matplotlib"]),
        (("matplotlib", "widget", PLACE), ["matplotlib", "ipympl"]),
        (("run", "other.py", PLACE), []),
    ],
)
def test_magics(run: tuple[str, str, Location], expected: list[str]) -> None:
    assert [item.module for item in uses.of_magics([run])] == expected


def test_every_rule_of_the_data_file_is_complete() -> None:
    known = uses.rules()
    for row in known["calls"]:
        assert set(row) <= {*shapes.Call.__annotations__, *shapes.Needs.__annotations__}, row
        assert all(name.isidentifier() for name in row["name"]), row
        assert any(key in row for key in ("module", "values", "suffixes", "argument")), row
        assert ("values" in row) == ("keyword" in row), row
        assert "given" not in row or "only_if" in row, row
    for address in known["addresses"]:
        assert set(address) <= {*shapes.Address.__annotations__, *shapes.Needs.__annotations__}, address
        assert all(begin.endswith("://") for begin in address["begins"])


def test_every_module_that_a_rule_names_is_in_the_table_of_modules() -> None:
    known = uses.rules()
    named = {module for module in (*known["extensions"].values(), *known["matplotlib"].values()) if module}
    for row in known["calls"]:
        named |= {row.get("module", ""), *row.get("also", ()), *row.get("alternatives", ())}
        for table in (row.get("values"), row.get("suffixes"), row.get("argument")):
            named |= set(table.values()) if table else set()
    for address in known["addresses"]:
        named |= {address["module"], *address.get("also", ())}
    for needs in known["imports"].values():
        named |= {part.partition("[")[0] for need in needs for part in need.split("|")}
    spacy_models = re.compile(r"[a-z]{2}_core_\w+|xx_ent_wiki_sm")  # not on PyPI
    unknown = {name for name in named - {""} if not tables.modules().look_up(name)[0]}
    assert {name for name in unknown if not spacy_models.fullmatch(name)} == set()
