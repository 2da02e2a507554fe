"""The peers of `pings`: the handler a textbook shows (Flask, the ORM, one commit a request), and one with SQL by hand.

They store into the same two tables of the same database with a pool of connections, check the device's token, and do
none of our other work: no filters, no reasons, no duty, no refusal counters, no turn of a surveyor, no live map.
"""

import os
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

DEVICE = """
SELECT t.device_id, t.person_id FROM token AS t JOIN device AS d ON d.id = t.device_id
 WHERE t.sha256 = %s AND t.revoked_at IS NULL AND d.revoked_at IS NULL
"""
HISTORY = """
INSERT INTO position (surveyor_id, device_id, fixed_at, received_at, lon, lat, accuracy_m, speed_mps, heading_deg,
                      altitude_m, battery, source)
VALUES (%s, %s, %s, now(), %s, %s, %s, %s, %s, %s, %s, 'owntracks') ON CONFLICT DO NOTHING
"""
LAST = """
INSERT INTO last_position AS p (surveyor_id, place, lon, lat, fixed_at, received_at, device_id, accuracy_m, source)
VALUES (%s, ST_SetSRID(ST_MakePoint(%s, %s), 4326)::geography, %s, %s, %s, now(), %s, %s, 'owntracks')
    ON CONFLICT (surveyor_id) DO UPDATE
   SET (place, lon, lat, fixed_at, received_at) =
       (EXCLUDED.place, EXCLUDED.lon, EXCLUDED.lat, EXCLUDED.fixed_at, EXCLUDED.received_at)
 WHERE p.fixed_at < EXCLUDED.fixed_at
"""


def app() -> Any:
    """The textbook's: Flask and the ORM; the factory Granian calls."""
    from flask import Flask, abort, jsonify, request
    from sqlalchemy import create_engine, select
    from sqlalchemy.orm import Session

    import dispatch.models  # noqa: F401  the ORM wants every table a foreign key names
    import media.models  # noqa: F401
    import notify.models  # noqa: F401
    from geo.models import LastPosition, Position
    from staff.models import Device, Token

    engine = create_engine(os.environ["CHAKAN_DATABASE_URL"], pool_size=24)
    flask = Flask("textbook")

    @flask.post("/api/v1/ingest/owntracks")
    def owntracks() -> Any:
        given = request.authorization
        if given is None or not given.password:
            abort(401)
        with Session(engine) as session:
            digest = sha256(given.password.encode()).digest()
            token = session.scalars(
                select(Token).where(Token.sha256 == digest, Token.revoked_at.is_(None))
            ).one_or_none()
            device = None if token is None else session.get(Device, token.device_id)
            if device is None or device.revoked_at is not None or str(device.id) != given.username:
                abort(401)
            m, now = request.get_json(), datetime.now(UTC)
            place = {"lon": m["lon"], "lat": m["lat"], "accuracy_m": m.get("acc"), "battery": m.get("batt")}
            told = {
                "fixed_at": datetime.fromtimestamp(m["tst"], UTC), "received_at": now, "device_id": device.id,
                "speed_mps": m["vel"] / 3.6 if "vel" in m else None, "heading_deg": m.get("cog"), "source": "owntracks",
            } | place  # fmt: skip
            session.add(Position(surveyor_id=device.surveyor_id, altitude_m=m.get("alt"), **told))
            last = session.get(LastPosition, device.surveyor_id, with_for_update=True)
            if last is None:
                last = LastPosition(surveyor_id=device.surveyor_id)
                session.add(last)
            if last.fixed_at is None or last.fixed_at < told["fixed_at"]:
                last.place = f"SRID=4326;POINT({m['lon']} {m['lat']})"
                for name, value in told.items():
                    setattr(last, name, value)
            session.commit()
        return jsonify([])

    return flask


def by_hand() -> Any:
    """The same with three statements by hand."""
    from flask import Flask, abort, jsonify, request
    from sqlalchemy import create_engine

    engine = create_engine(os.environ["CHAKAN_DATABASE_URL"], pool_size=24)
    flask = Flask("textbook")

    @flask.post("/api/v1/ingest/owntracks")
    def owntracks() -> Any:
        given = request.authorization
        if given is None or not given.password:
            abort(401)
        link = engine.raw_connection()
        try:
            cursor = link.cursor()
            cursor.execute(DEVICE, (sha256(given.password.encode()).digest(),))
            found = cursor.fetchone()
            if found is None or str(found[0]) != given.username:
                abort(401)
            device_id, surveyor_id = found
            m = request.get_json()
            at, lon, lat, acc = datetime.fromtimestamp(m["tst"], UTC), m["lon"], m["lat"], m.get("acc")
            speed = m["vel"] / 3.6 if "vel" in m else None
            row = (
                surveyor_id,
                device_id,
                at,
                lon,
                lat,
                acc,
                speed,
                m.get("cog"),
                m.get("alt"),
                m.get("batt"),
            )
            cursor.execute(HISTORY, row)
            cursor.execute(LAST, (surveyor_id, lon, lat, lon, lat, at, device_id, acc))
            link.commit()
        finally:
            link.close()
        return jsonify([])

    return flask
