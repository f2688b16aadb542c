"""Lists of subscribers: uploaded, checked, confirmed, let in. The scheduler does the work (jobs.importing)."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from flask import Response, current_app, flash, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from newsletter.domain.importing import ImportState, Outcome
from newsletter.services import import_rejects
from newsletter.services import imports as service
from newsletter.services.imports import File
from newsletter.services.subscribers import COLUMNS
from newsletter.storage.tables import SubscriberImport
from newsletter.web.access import current_admin
from newsletter.web.database import current_session, reading
from newsletter.web.desk.blueprint import desk, note
from newsletter.web.desk.subscribers import NUMBER
from newsletter.web.wiring import now, wiring

MEGABYTE: Final = 1_000_000
REFRESH_SECONDS: Final = 2
EXAMPLES: Final = 5
SHOWN_REJECTS: Final = 20
FOLDER: Final = "imports"
_BLOCK: Final = 1 << 20
_FORM_BYTES: Final = 100_000  #: of an upload, beside the file


@desk.get("/subscribers/imports")
def imports() -> str:
    return _list_page()


def _list_page(error: str | None = None) -> str:
    return render_template(
        "desk/imports.html",
        imports=service.listed(current_session()),
        columns=COLUMNS,
        largest=wiring().settings.import_largest,
        error=error,
    )


@desk.post("/subscribers/imports")
def upload_import() -> ResponseReturnValue:
    """Take a file in. It is larger than any other form, so the CSRF token in it is looked for only here, once it is
    known who asks, and that they may.
    """
    by = current_admin().address
    current_session().commit()  # who else wants to write need not wait until the file is here
    request.max_content_length = wiring().settings.import_largest * MEGABYTE + _FORM_BYTES
    if (request.content_length or 0) > request.max_content_length:
        return _list_page(_too_large()), 413
    try:
        current_app.extensions["csrf"].protect()
        return _taken(request.files.get("file"), by)
    except RequestEntityTooLarge:
        return _list_page(_too_large()), 413
    finally:
        request.close()  # its temporary files


def _taken(given: FileStorage | None, by: str) -> ResponseReturnValue:
    if given is None or not given.filename:
        return _list_page("Choose a file"), 400
    name = os.path.basename(given.filename.replace("\\", "/"))
    path, sha256, size = _kept(given.stream)
    try:
        if size > wiring().settings.import_largest * MEGABYTE:
            return _list_page(_too_large()), 413
        number = _begin(path, File(name, sha256, size, is_upload=True), by)
    finally:
        path.unlink(missing_ok=True)
    return redirect(url_for("desk.import_page", number=number), 303)


def _begin(path: Path, file: File, by: str) -> int:
    session = current_session()
    is_new = service.under_way(session, file.sha256) is None
    found = service.begin(session, file, by=by, now=now())
    number, target = found.id, path.with_name(f"{found.id}.csv")
    if is_new:
        note("import.uploaded", f"import {number}", file.name)
    else:
        flash("This very file is on its way already.")
    if found.is_upload and found.state == ImportState.READING.value and (is_new or not target.exists()):
        path.replace(target)  # over what a number left behind whose rows were never committed
    session.commit()
    return number


def _kept(source: IO[bytes]) -> tuple[Path, str, int]:
    """The upload in the instance's folder, where only this service reads it; its hash, and its size in bytes."""
    folder = wiring().settings.instance / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    found, size = hashlib.sha256(), 0
    descriptor, name = tempfile.mkstemp(suffix=".part", dir=folder)
    with os.fdopen(descriptor, "wb") as target:
        while block := source.read(_BLOCK):
            found.update(block)
            size += len(block)
            target.write(block)
    return Path(name), found.hexdigest(), size


def _too_large() -> str:
    most = wiring().settings.import_largest
    return f"The file has more than {most} MB: split it, or use “newsletter subscribers import” on the server"


@desk.get(f"/subscribers/imports/{NUMBER}")
def import_page(number: int) -> str:
    return _import_page(service.get(current_session(), number))


def _import_page(found: SubscriberImport, error: str | None = None) -> str:
    session = current_session()
    is_busy = found.state in (ImportState.READING.value, ImportState.RUNNING.value)
    has_rows = found.rows_until is not None and found.rows_until > now()
    shows_new = found.state == ImportState.READY.value
    return render_template(
        "desk/import.html",
        found=found,
        problems=service.problems(found),
        examples=import_rejects.first_of(session, found.id, Outcome.NEW, most=EXAMPLES) if shows_new else (),
        rejected=import_rejects.first_rejected(session, found.id, most=SHOWN_REJECTS) if has_rows else (),
        has_rows=has_rows,
        percent=_percent(found),
        refresh=REFRESH_SECONDS if is_busy and error is None else None,
        error=error,
    )


def _percent(found: SubscriberImport) -> int:
    if found.state == ImportState.READING.value:
        return 100 * found.bytes_read // max(found.size, 1)
    return 100 * found.lines_done // max(found.last_line, 1)


@desk.post(f"/subscribers/imports/{NUMBER}/confirm")
def confirm_import(number: int) -> ResponseReturnValue:
    session = current_session()
    found = service.get(session, number)
    if request.form.get("number", "").strip().replace(",", "") != str(found.new + found.changed):
        return _import_page(found, f"Type {found.new + found.changed} to confirm"), 400
    service.confirm(session, number, by=current_admin().address, now=now())
    note("import.confirmed", f"import {number}", found.name)
    session.commit()
    return redirect(url_for("desk.import_page", number=number), 303)


@desk.post(f"/subscribers/imports/{NUMBER}/cancel")
def cancel_import(number: int) -> ResponseReturnValue:
    session = current_session()
    found = service.cancel(session, number, now=now())
    note("import.cancelled", f"import {number}", found.name)
    session.commit()
    flash("The import is cancelled. Its rows are removed.")
    return redirect(url_for("desk.import_page", number=number), 303)


@desk.get(f"/subscribers/imports/{NUMBER}/rejects.csv")
def import_rejects_file(number: int) -> Response:
    service.get(current_session(), number)
    response = Response(stream_with_context(_reject_lines(number)), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename=import-{number}-rejects.csv"
    return response


def _reject_lines(number: int) -> Iterator[str]:
    with reading() as session:
        yield from import_rejects.as_csv(import_rejects.rejected(session, number))


@desk.post(f"/subscribers/imports/{NUMBER}/forget")
def forget_rejects(number: int) -> ResponseReturnValue:
    session = current_session()
    service.forget_rows(session, number, now=now())
    note("import.rejects_removed", f"import {number}")
    session.commit()
    flash("The rejected rows are removed.")
    return redirect(url_for("desk.import_page", number=number), 303)
