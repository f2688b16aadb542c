"""What benchmarks.web_load asks: the site, or bare Flask views, each on the server that `newsletter serve` uses."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask, redirect, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from werkzeug.wrappers import Response

from newsletter import config
from newsletter.cli.serving import Server
from newsletter.config import Settings
from newsletter.storage.columns import UtcDateTime
from newsletter.storage.database import configure
from newsletter.web import create_app

CONSTANT = "<!doctype html><title>Bare</title><p>Always the same.\n"


class Base(DeclarativeBase):
    """Tables of the bare views' own."""


class BareRow(Base):
    """One row a request, about as wide as a subscriber's."""

    __tablename__ = "bare_row"

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(String(320))
    address_key: Mapped[str] = mapped_column(String(320), unique=True)
    state: Mapped[str] = mapped_column(String(24))
    follows: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


def bare(settings: Settings) -> Flask:
    """The least that Flask can do: a view that commits one row, and one that returns a constant."""
    app, db = Flask("bare"), SQLAlchemy(metadata=Base.metadata)
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    db.init_app(app)
    with app.app_context():
        configure(db.engine)
        Base.metadata.create_all(db.engine)

    @app.post("/subscribe")
    def add() -> Response:
        email, follow = request.form["email"], request.form["follow"]
        values = {"state": "pending", "follows": follow, "created_at": datetime.now(UTC)}
        db.session.add(BareRow(address=email, address_key=email, **values))
        db.session.commit()
        return redirect("/constant", 303)

    @app.get("/constant")
    def constant() -> str:
        return CONSTANT

    return app


APPS: dict[str, Callable[[Settings], Flask]] = {"bare": bare, "site": create_app}


def main() -> None:
    """Serve one of APPS, with the settings of the environment, until SIGTERM."""
    name, port = sys.argv[1:]
    Server(APPS[name](config.load(os.environ)), "127.0.0.1", int(port)).run()


if __name__ == "__main__":
    main()
