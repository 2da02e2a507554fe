"""Service areas 责任区: read by the desk, drawn by administrators."""

import json
from typing import Any

from flask import g
from flask.typing import ResponseReturnValue
from pydantic import Field

from api import present
from api.door import Door, IdText, Page, Strict, Text, id_of, roles
from core.errors import Missing
from geo import areas as drawn
from geo import store
from geo.datum import Datum

bp = Door("areas", tag="Areas")


class AreaIn(Strict):
    """An area. `shape` is a GeoJSON Polygon or MultiPolygon, longitude first; `kind` sets the arrival limit."""

    org_id: IdText
    name: Text = Field(min_length=1)
    name_en: Text = ""
    kind: Text = Field("urban", examples=list(drawn.KINDS))
    shape: dict[str, Any] = Field(
        examples=[
            {"type": "Polygon", "coordinates": [[[116.3, 39.8], [116.5, 39.8], [116.5, 40.0], [116.3, 39.8]]]}
        ]
    )
    datum: Datum = "wgs84"

    def drawn(self) -> drawn.NewArea:
        """The area as the room takes it."""
        return drawn.NewArea(id_of(self.org_id), self.name, self.kind, self.shape, self.name_en, self.datum)


class AreaPath(Strict):
    """An id in the path."""

    area_id: int = Field(ge=1, lt=2**63)


def show(row: Any) -> dict[str, Any]:
    """An area with its shape."""
    return {
        "id": str(row.id),
        "org": {"id": str(row.org_id), "name": row.org_name},
        "name": row.name,
        "name_en": row.name_en,
        "kind": row.kind,
        "area_m2": int(row.area_m2),
        "shape": json.loads(row.shape),
        "created_at": present.time(row.created_at),
    }


@bp.get("/areas")
@roles("seat", "dispatcher", "adjuster", "supervisor", "admin", "integration")
def areas(query: Page) -> ResponseReturnValue:
    """The service areas of one's own part of the tree."""
    with g.sessions.begin() as session:
        rows = store.areas(session, g.actor.org_path, after=query.after_id, limit=query.limit)
    return present.items(rows, show, query.limit)


@bp.get("/areas/<int:area_id>")
@roles("seat", "dispatcher", "adjuster", "supervisor", "admin", "integration")
def area(path: AreaPath) -> ResponseReturnValue:
    """One service area."""
    with g.sessions.begin() as session:
        rows = store.areas(session, g.actor.org_path, area_id=path.area_id)
    if not rows:
        raise Missing("no such area")
    return show(rows[0])


@bp.post("/areas")
@roles("admin")
def create(body: AreaIn) -> ResponseReturnValue:
    """Draws an area; audited."""
    return {"id": str(drawn.create(g.sessions, g.actor, body.drawn()))}, 201


@bp.put("/areas/<int:area_id>")
@roles("admin")
def change(path: AreaPath, body: AreaIn) -> ResponseReturnValue:
    """Draws an area anew; claims already in it keep it; audited."""
    drawn.change(g.sessions, g.actor, path.area_id, body.drawn())
    return {"id": str(path.area_id)}


@bp.delete("/areas/<int:area_id>")
@roles("admin")
def remove(path: AreaPath) -> ResponseReturnValue:
    """Removes an area no claim lies in; audited."""
    drawn.remove(g.sessions, g.actor, path.area_id)
    return "", 204
