"""The Jupyter server's part: the verbs of the pipeline as routes under ``/kestra-nb/``.

=======  ===========  =================================================================
verb     route        answers
=======  ===========  =================================================================
GET      ``about``    version, the probe that a kernel runs, the options a body may name
POST     ``scan``     what the notebook needs
POST     ``plan``     that, and every strategy
POST     ``preview``  one strategy's flow with its files, and the difference to the saved one
POST     ``export``   what was written
POST     ``why``      the chains behind one name
=======  ===========  =================================================================

Bodies: :mod:`kestra_nb.server.asks`. Every refusal has the shape ``{code, message, hint, location}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _load_jupyter_server_extension(app: ServerApp) -> None:
    """Add the routes (Jupyter Server calls this when it starts)."""
    from jupyter_server.utils import url_path_join

    from kestra_nb.server.handlers import AboutHandler, VerbHandler
    from kestra_nb.server.verbs import VERBS

    root = url_path_join(app.web_app.settings["base_url"], "kestra-nb")
    app.web_app.add_handlers(  # type: ignore[no-untyped-call]
        ".*$",
        [
            (url_path_join(root, "about"), AboutHandler),
            *((url_path_join(root, name), VerbHandler, {"verb": verb}) for name, verb in VERBS.items()),
        ],
    )
