"""The offline base map: vector tiles and what the map shows."""

import hashlib
from datetime import datetime, timedelta
from typing import Any, Literal

from flask import Response, g, request
from flask.typing import ResponseReturnValue
from pydantic import Field

from api import parts
from api.door import EVERYBODY, Door, Strict, Text, roles
from api.fields import Moment
from api.surveyors import look
from core.errors import Invalid
from geo import tiles

bp = Door("map", tag="Map")

MVT = "application/vnd.mapbox-vector-tile"
TILE: dict[Any, Any] = {
    200: {
        "description": "a vector tile",
        "content": {MVT: {"schema": {"type": "string", "format": "binary"}}},
    },
    204: {"description": "nothing is drawn here"},
}
# The sheets of Tianditu: roads and land, then their names. CGCS2000, which is WGS-84 within a metre.
SHEETS = ("vec", "cva")
LONGEST_LOSSES, LONGEST_POSITIONS, LONGEST_TRACK = timedelta(days=92), timedelta(days=1), timedelta(days=7)


class TilePath(Strict):
    """The address of a tile."""

    z: int = Field(ge=0, le=tiles.MOST_ZOOM)
    x: int = Field(ge=0, lt=2**tiles.MOST_ZOOM)
    y: int = Field(ge=0, lt=2**tiles.MOST_ZOOM)


@bp.get("/map/tiles/<int:z>/<int:x>/<int:y>.mvt", responses=TILE)
@roles(*EVERYBODY)
def tile(path: TilePath) -> ResponseReturnValue:
    """A vector tile with the layers road, water, park and area; each feature has kind, name and name_en."""
    with g.sessions.begin() as session:
        body = tiles.base_tile(session, path.z, path.x, path.y)
    answer = Response(body, 200, content_type=MVT) if body else Response(status=204)
    answer.headers["Cache-Control"] = "private, max-age=3600"
    answer.set_etag(hashlib.sha256(body).hexdigest()[:32])
    return answer.make_conditional(request) if body else answer


class HeatPath(TilePath):
    """The address of a heat tile; `of` is loss or position."""

    of: Literal["loss", "position"]


class TrackPath(TilePath):
    """The address of a tile of a surveyor's track."""

    surveyor_id: int = Field(ge=1, lt=2**63)


class Days(Strict):
    """The span that is shown."""

    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")

    def checked(self, longest: timedelta) -> tuple[datetime, datetime]:
        """The span. Raises Invalid when it is empty or too long."""
        if not self.start < self.end <= self.start + longest:
            raise Invalid.field("to", f"later than `from`, at most {longest.days} days")
        return self.start, self.end


class LookedAt(Days):
    """The span of somebody's track, and why one looks at it when it is not one's own."""

    reason: Text | None = Field(None, min_length=2, examples=["complaint"])


def told(body: bytes, seconds: int) -> ResponseReturnValue:
    """A tile that may be kept for a while."""
    answer = Response(body, 200, content_type=MVT) if body else Response(status=204)
    answer.headers["Cache-Control"] = f"private, max-age={seconds}"
    return answer


@bp.get("/map/heat/<of>/<int:z>/<int:x>/<int:y>.mvt", responses=TILE)
@roles("dispatcher", "supervisor", "admin")
def heat(path: HeatPath, query: Days) -> ResponseReturnValue:
    """How many losses (92 days at most) or positions (a day at most) lay where, in small squares with a count `n`."""
    longest = LONGEST_LOSSES if path.of == "loss" else LONGEST_POSITIONS
    start, end = query.checked(longest)
    with g.sessions.begin() as session:
        body = tiles.heat_tile(
            session, g.actor.org_path, path.z, path.x, path.y, of=path.of, start=start, end=end
        )
    return told(body, 300)


@bp.get("/map/tracks/<int:surveyor_id>/<int:z>/<int:x>/<int:y>.mvt", responses=TILE)
@roles("dispatcher", "supervisor", "admin", "surveyor")
def track(path: TrackPath, query: LookedAt) -> ResponseReturnValue:
    """Where a surveyor drove (7 days at most), own or of one's part of the tree. Each tile is a look, and audited."""
    start, end = query.checked(LONGEST_TRACK)
    with g.sessions.begin() as session:
        look(session, path.surveyor_id, start, end, "tile", query.reason)
        body = tiles.track_tile(session, path.surveyor_id, path.z, path.x, path.y, start=start, end=end)
    return told(body, 60)


@bp.get("/map/info")
@roles(*EVERYBODY)
def info() -> ResponseReturnValue:
    """What the base map shows, where it lies, and the raster maps a key was given for."""
    with g.sessions.begin() as session:
        found = tiles.map_info(session, g.actor.org_path)
    return {
        "label": found.label,
        "label_en": found.label_en,
        "centre": {"lon": found.centre.lon, "lat": found.centre.lat},
        "bbox": list(found.bbox),
        "raster": tianditu(parts().settings.tianditu_key) or amap(parts().settings.amap_tiles),
    }


def tianditu(key: str) -> list[dict[str, Any]]:
    """Tianditu's sheets as raster sources; none without a key."""
    query = "SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles"
    return [
        {
            "name": f"tianditu_{sheet}",
            "url": f"https://t0.tianditu.gov.cn/{sheet}_w/wmts?{query}&LAYER={sheet}"
            f"&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={key}",
            "datum": "wgs84",
            "attribution": "天地图 · CGCS2000",
        }
        for sheet in SHEETS
        if key
    ]


def amap(url: str) -> list[dict[str, Any]]:
    """AMap's drawn map, in GCJ-02: the page shifts the picture back under the true places."""
    return [{"name": "amap", "url": url, "datum": "gcj02", "attribution": "高德地图 · GCJ-02"}] if url else []
