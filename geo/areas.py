"""Service areas 责任区: whose ground a place is, and the use cases that draw them."""

from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import audit
from core.database import Sessions
from core.errors import Invalid, Missing
from geo import datum, store
from geo.errors import AreaInUse, BadShape
from geo.fix import LonLat
from geo.models import Area
from staff.accounts import Actor
from staff.models import Organisation

KINDS = ("urban", "suburb", "remote")
MOST_POINTS = 20_000


@dataclass(frozen=True)
class NewArea:
    """What an administrator draws. `shape` is a GeoJSON Polygon or MultiPolygon in `datum`."""

    org_id: int
    name: str
    kind: str
    shape: dict[str, Any]
    name_en: str = ""
    datum: str = "wgs84"


def area_at(session: Session, org_path: str, place: LonLat) -> Area | None:
    """The area of an organisation's tree that covers a place; the smallest when several do."""
    return store.area_covering(session, org_path, place)


def polygons(shape: dict[str, Any], given_datum: str = "wgs84") -> str:
    """A GeoJSON shape as WGS-84 MULTIPOLYGON text. Raises BadShape when it is no clean polygon on earth."""
    kind = shape.get("type")
    listed = {"Polygon": [shape.get("coordinates")], "MultiPolygon": shape.get("coordinates")}.get(str(kind))
    if not isinstance(listed, list) or not listed:
        raise BadShape("a Polygon or MultiPolygon with coordinates is needed")
    try:
        parts = [
            shapely.Polygon(_ring(rings[0], given_datum), [_ring(hole, given_datum) for hole in rings[1:]])
            for rings in listed
        ]
        whole = shapely.MultiPolygon(parts)
    except (TypeError, ValueError, IndexError, KeyError, shapely.errors.GEOSException) as error:
        raise BadShape("the coordinates are not rings of [longitude, latitude]") from error
    if shapely.get_num_coordinates(whole) > MOST_POINTS:
        raise BadShape(f"a shape has at most {MOST_POINTS} points")
    if whole.is_empty or not whole.is_valid:
        raise BadShape(f"the shape is not clean: {shapely.is_valid_reason(whole).split('[')[0].strip()}")
    return str(whole.wkt)


def _ring(points: Any, given_datum: str) -> list[LonLat]:
    if len(points) > MOST_POINTS:
        raise BadShape(f"a shape has at most {MOST_POINTS} points")
    return [datum.to_wgs84(float(point[0]), float(point[1]), given_datum) for point in points]


def _checked(new: NewArea) -> str:
    if new.kind not in KINDS:
        raise Invalid.field("kind", "one of " + ", ".join(KINDS))
    return f"SRID=4326;{polygons(new.shape, new.datum)}"


def _org(session: Session, actor: Actor, org_id: int) -> Organisation:
    org = session.get(Organisation, org_id)
    if org is None or not org.path.startswith(actor.org_path):
        raise Missing("no such organisation")
    return org


def _seen(session: Session, actor: Actor, area_id: int) -> Area:
    area = session.get(Area, area_id, with_for_update=True)
    if area is None:
        raise Missing("no such area")
    _org(session, actor, area.org_id)
    return area


def create(sessions: Sessions, actor: Actor, new: NewArea) -> int:
    """Draws an area of an organisation the actor sees."""
    shape = _checked(new)
    with sessions.begin() as session:
        org = _org(session, actor, new.org_id)
        area = Area(org_id=org.id, name=new.name, name_en=new.name_en, kind=new.kind, shape=shape)
        session.add(area)
        session.flush()
        audit.append(session, actor.person_id, "area.created", "area", area.id, org_id=org.id, kind=new.kind)
        return area.id


def change(sessions: Sessions, actor: Actor, area_id: int, new: NewArea) -> None:
    """Draws an area anew. Claims already in it keep their area."""
    shape = _checked(new)
    with sessions.begin() as session:
        area = _seen(session, actor, area_id)
        org = _org(session, actor, new.org_id)
        area.org_id, area.name, area.name_en, area.kind = org.id, new.name, new.name_en, new.kind
        area.shape = shape
        audit.append(session, actor.person_id, "area.changed", "area", area.id, org_id=org.id, kind=new.kind)


def remove(sessions: Sessions, actor: Actor, area_id: int) -> None:
    """Removes an area no claim lies in. Raises AreaInUse otherwise."""
    with sessions.begin() as session:
        session.delete(_seen(session, actor, area_id))
        try:
            session.flush()
        except IntegrityError as error:
            # The foreign key of claims is the referee: reports by area must stay true.
            raise AreaInUse("claims lie in this area") from error
        audit.append(session, actor.person_id, "area.removed", "area", area_id)
