"""For a WSGI server of one's own: gunicorn --threads 8 "newsletter.web.wsgi:app()"."""

from __future__ import annotations

import os

from flask import Flask

from newsletter import config, logs
from newsletter.web.app import create_app


def app() -> Flask:
    """The site, with the settings of the environment; the database must have been set up."""
    logs.set_up()
    return create_app(config.load(os.environ))
