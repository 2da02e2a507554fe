"""The offline base map: vector tiles and what the map shows."""

import hashlib
from typing import Any

from flask import Response, g, request
from flask.typing import ResponseReturnValue
from pydantic import Field

from api import parts
from api.door import EVERYBODY, Door, Strict, roles
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
        "raster": tianditu(parts().settings.tianditu_key),
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
