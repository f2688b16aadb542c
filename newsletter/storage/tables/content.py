"""What is published: places, updates, editions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from newsletter.domain.states import EditionState
from newsletter.domain.update import Trend, UpdateState
from newsletter.storage.columns import Base, word


class Region(Base):
    __tablename__ = "region"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    position: Mapped[int]


class Place(Base):
    __tablename__ = "place"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"))


class CountryUpdate(Base):
    """One place, one month; the lists are kept as in the update's JSON form."""

    __tablename__ = "country_update"
    __table_args__ = (Index("uq_country_update_place_month", "place_code", "month", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    place_code: Mapped[str] = mapped_column(ForeignKey("place.code"))
    month: Mapped[str] = mapped_column(String(7), index=True)  #: YYYY-MM
    trend: Mapped[str] = mapped_column(word(Trend, "trend"))
    alerts: Mapped[list[Any]] = mapped_column(JSON)
    headline: Mapped[str] = mapped_column(Text)
    developments: Mapped[list[Any]] = mapped_column(JSON)
    quotes: Mapped[list[Any]] = mapped_column(JSON)
    links: Mapped[list[Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(word(UpdateState, "state"))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(default=1, server_default="1")  #: counts up: who saves names the one they saw
    changed_by: Mapped[str | None] = mapped_column(String(320))  #: an admin; None: imported
    reviewed_at: Mapped[datetime | None]  #: since when it stands as somebody else has read it; None after a change
    reviewed_by: Mapped[str | None] = mapped_column(String(320))


class UpdateVersion(Base):
    """An update as it stood after it was saved; rows are only ever added."""

    __tablename__ = "update_version"

    place_code: Mapped[str] = mapped_column(ForeignKey("place.code"), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)  #: YYYY-MM
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    saved_at: Mapped[datetime]
    saved_by: Mapped[str | None] = mapped_column(String(320))  #: an admin; None: imported
    content: Mapped[str] = mapped_column(Text)  #: the update's JSON form


class UnsavedUpdate(Base):
    """What an admin has typed and not saved yet, so that a closed window loses nothing."""

    __tablename__ = "unsaved_update"

    admin_id: Mapped[int] = mapped_column(ForeignKey("admin.id", ondelete="CASCADE"), primary_key=True)
    place_code: Mapped[str] = mapped_column(ForeignKey("place.code"), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)  #: YYYY-MM
    version: Mapped[int]  #: of the update that it changes; 0: there was none
    typed_at: Mapped[datetime]
    content: Mapped[str] = mapped_column(Text)  #: the form's fields as JSON, whether they make an update or not


class Edition(Base):
    """One month's issue."""

    __tablename__ = "edition"

    id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(String(7), unique=True)  #: YYYY-MM
    state: Mapped[str] = mapped_column(word(EditionState, "state"))
    created_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]  #: the Date of its digests
    approved_by: Mapped[str | None] = mapped_column(String(320))
    send_started_at: Mapped[datetime | None]
    send_started_by: Mapped[str | None] = mapped_column(String(320))
    resumed_at: Mapped[datetime | None]  #: when an admin last let it go on
    ended_at: Mapped[datetime | None]  #: when the last delivery was done with, or it was cancelled
    deadline_at: Mapped[datetime | None]  #: who has not got it by then doesn't get it any more
    first_wave: Mapped[int | None]  #: the last subscriber who gets it before the rest; None once the rest follows
    rest_at: Mapped[datetime | None]  #: when the rest follows; None until the first wave is out
    note: Mapped[str | None] = mapped_column(Text)  #: why it is paused or waits, in words for an admin
    overview: Mapped[str] = mapped_column(Text, default="", server_default="")  #: the month as a whole, Markdown
    proposed_at: Mapped[datetime | None]  #: since when it waits for a second person's approval
    proposed_by: Mapped[str | None] = mapped_column(String(320))
    taken_back_at: Mapped[datetime | None]  #: when a person last made it a draft again: the schedule leaves it to them
    send_at: Mapped[datetime | None]  #: when it shall be sent by itself, once approved
    send_at_by: Mapped[str | None] = mapped_column(String(320))
    revision: Mapped[int] = mapped_column(default=1, server_default="1")  #: the newest; 1: as it was sent

    compiled: Mapped[CompiledEdition | None] = relationship(
        back_populates="edition", cascade="all, delete-orphan", passive_deletes=True
    )


class CompiledEdition(Base):
    """What approval froze: the content as data, and the pieces that digests are spliced from."""

    __tablename__ = "compiled_edition"

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True)
    content: Mapped[str] = mapped_column(Text)  #: JSON
    pieces: Mapped[str] = mapped_column(Text)  #: JSON, see mail.compiled
    sha256: Mapped[str] = mapped_column(String(64))  #: of both

    edition: Mapped[Edition] = relationship(back_populates="compiled")


class EditionRevision(Base):
    """A correction of an edition that was sent: what the web shows from then on."""

    __tablename__ = "edition_revision"

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  #: from 2
    at: Mapped[datetime | None]  #: when it was published; None: it is being written
    by: Mapped[str | None] = mapped_column(String(320))  #: who published it
    proposed_at: Mapped[datetime | None]  #: since when it waits for a second person's approval
    proposed_by: Mapped[str | None] = mapped_column(String(320))
    note: Mapped[str] = mapped_column(Text)  #: what was wrong, in the editors' words
    places: Mapped[str] = mapped_column(Text)  #: codes of the places whose update differs, split by ;
    content: Mapped[str] = mapped_column(Text)  #: JSON, as CompiledEdition.content
    mailed_at: Mapped[datetime | None]  #: when it was told to those who got the wrong one


class EditionReport(Base):
    """What the deliveries of an edition that has ended add up to, counted once."""

    __tablename__ = "edition_report"

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True)
    made_at: Mapped[datetime]
    content: Mapped[str] = mapped_column(Text)  #: JSON, see services.reports


class EditionProbe(Base):
    """What it takes long to find out about an edition, kept until somebody asks anew."""

    __tablename__ = "edition_probe"

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)  #: links, dry_run
    made_at: Mapped[datetime]
    content: Mapped[str] = mapped_column(Text)  #: JSON, see services.checks.reaching and services.dry_run


class EditionPicture(Base):
    """A picture of an approved edition, as its mails and pages show it."""

    __tablename__ = "edition_picture"

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)  #: the file name in its address
    png: Mapped[bytes] = mapped_column(LargeBinary)
