"""The one way out for what people must hear of: a JSON message to a webhook."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib import request
from urllib.error import HTTPError

from mlops_assets.errors import ConfigurationError, TransientError

_PATIENCE_S = 10.0


def post_alert(url: str, message: Mapping[str, Any]) -> None:
    """Post a message as JSON; when this returns, the other side has said that it has it.

    Args:
        url: http or https; it may hold a secret, so no error repeats it.
        message: JSON values.

    Raises:
        ConfigurationError: it is no address of the web.
        TransientError: nobody answered, or the answer was no 2xx; redirects are not followed.
    """
    if not url.startswith(("http://", "https://")):
        raise ConfigurationError("MLOPS_ALERT_URL is no http:// or https:// address")
    body, headers = json.dumps(message).encode(), {"Content-Type": "application/json"}
    try:
        asked = request.Request(url, body, headers, method="POST")
        with _opener().open(asked, timeout=_PATIENCE_S):
            return
    except HTTPError as err:
        with err:
            told = str(err.code)
    except (OSError, HTTPException, ValueError) as err:
        told = type(getattr(err, "reason", err)).__name__  # the rest may hold the address
    raise TransientError(f"the alert was not taken: {told}")


def _opener() -> request.OpenerDirector:
    """Without redirects: a redirected POST would arrive without its message."""
    made = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPErrorProcessor,
    ):
        made.add_handler(handler())
    return made
