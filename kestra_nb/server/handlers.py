"""One base handler, two kinds of route."""

from __future__ import annotations

import json
from http.client import responses
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized  # noqa: TID253  only a Jupyter server imports this module
from jupyter_server.base.handlers import APIHandler  # noqa: TID253
from tornado.ioloop import IOLoop
from tornado.web import HTTPError, authenticated

from kestra_nb import errors
from kestra_nb.display import plain
from kestra_nb.server import asks, verbs
from kestra_nb.server.folders import FolderError, Folders

if TYPE_CHECKING:
    from collections.abc import Callable

_STATUS: tuple[tuple[type[errors.KestraNbError], int], ...] = (
    (FolderError, 403),
    (asks.TooLargeError, 413),
    (asks.RequestError, 400),
    (errors.ConfigError, 400),
    (errors.FlowError, 409),
    (errors.KestraServerError, 502),
    (errors.KestraNbError, 422),
)


class BaseHandler(APIHandler):
    """Login on every verb, JSON both ways, one shape for every refusal."""

    auth_resource = "kestra_nb"

    def write_error(self, status_code: int, **kwargs: Any) -> None:  # noqa: ANN401  tornado's own signature
        """Turn every error into ``{code, message, hint, location}``; what nobody expected keeps its secrets."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, errors.KestraNbError):
            status = next(number for kind, number in _STATUS if isinstance(error, kind))
            self._refuse(status, error.code, error.message, error.hint, plain.location(error.location))
        elif isinstance(error, HTTPError) and status_code < 500:  # noqa: PLR2004  the client's mistakes end here
            code = "KNB503" if status_code in {401, 403} else "KNB502"
            self._refuse(status_code, code, error.log_message or responses.get(status_code, "Refused."))
        else:
            message = "Something went wrong that kestra-nb did not expect; the server's log tells what."
            self._refuse(500, "KNB505", message, "Please report it with those lines of the log.")

    def _refuse(
        self, status: int, code: str, message: str, hint: str = "", location: dict[str, object] | None = None
    ) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({"code": code, "message": message, "hint": hint, "location": location}))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:  # noqa: ANN401  tornado's own signature
        """Log what is ours to mend; what a person can mend goes to the person."""
        if not isinstance(value, errors.KestraNbError):
            super().log_exception(typ, value, tb)


class AboutHandler(BaseHandler):
    """What the server part is."""

    @authenticated
    @authorized
    def get(self) -> None:
        """Give version, probe and options."""
        self.finish(json.dumps(verbs.about()))


class VerbHandler(BaseHandler):
    """One verb of the pipeline; its work runs in a thread, so that the server goes on answering."""

    def initialize(self, verb: Callable[[asks.Ask, verbs.Cancelled], dict[str, object]]) -> None:
        """Take the verb that the route was registered with."""
        self.verb = verb
        self.gone = False

    def on_connection_close(self) -> None:
        """Note that nobody waits any longer: nothing is written after that."""
        self.gone = True
        super().on_connection_close()

    @authenticated
    @authorized
    async def post(self) -> None:
        """Check the body, do the work, give its result."""
        body = asks.parse(self.request.body)
        folders = Folders.of(self.contents_manager)
        place = folders.locate(body["path"])
        ask = asks.Ask(
            folders=folders,
            folder=place.parent,
            name=place.name,
            notebook=body["notebook"],
            kernel=body.get("kernel", ""),
            environment=body.get("environment"),
            preferences=body.get("preferences", {}),
            options=body.get("options", {}),
            subject=body.get("name", ""),
        )
        answer = await IOLoop.current().run_in_executor(None, self.verb, ask, lambda: self.gone)
        if not self.gone:
            self.finish(json.dumps(answer))
