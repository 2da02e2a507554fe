"""The peer of `pings`: the handler a textbook shows. Flask, one INSERT and one upsert a request, one commit a request.

It stores into the same two tables of the same database with a pool of connections, checks the device's token, and does
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
    """The factory Granian calls."""
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
