"""The API as served, with a tenth of its patience: for proofs that may not take a minute."""

from typing import Any

import wsgi
from api import body, lines, patience


def api() -> Any:
    """The factory a test's server calls."""
    body.WINDOW_S, patience.QUIET_S, lines.SAMPLE_QUIET_S, lines.SAMPLE_S = 2.0, 2.0, 0.5, 0.3
    return wsgi.api()
