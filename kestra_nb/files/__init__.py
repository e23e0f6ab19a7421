"""The disk: notebooks read, flows found and written."""

from kestra_nb.files.reading import (
    find_flow,
    find_notebooks,
    project_settings,
    read_notebook,
    read_shipped,
    read_text,
)
from kestra_nb.files.writing import write_bundle

__all__ = [
    "find_flow",
    "find_notebooks",
    "project_settings",
    "read_notebook",
    "read_shipped",
    "read_text",
    "write_bundle",
]
