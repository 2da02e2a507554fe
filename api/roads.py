"""What drive times stand on: the graph, the speeds learned, the providers asked, the last lessons."""

from typing import Any

from flask import g
from flask.typing import ResponseReturnValue

from api import parts, present
from api.claims import Shown
from api.door import Door, roles
from geo import queries
from geo.errors import NoRoads
from geo.models import RoadLesson
from geo.roads import files, speeds

bp = Door("roads", tag="Surveyors")


@bp.get("/roads", responses={200: Shown})
@roles("dispatcher", "supervisor", "admin")
def in_force() -> ResponseReturnValue:
    """The road graph and the learned speeds in force, each provider's state, and the last lessons, newest first."""
    data = parts().settings.data
    try:
        graph = files.about(data / "roads")
    except NoRoads:
        graph = None
    learned = speeds.load(data / "speeds")
    with g.sessions.begin() as session:
        lessons = [show_lesson(row) for row in queries.lessons(session)]
    return {
        "providers": [
            *({"name": name, "state": state} for name, state in parts().drive_times.states().items()),
            {"name": parts().drive_times.last.name, "state": "closed"},
        ],
        "graph": None
        if graph is None
        else {k: graph.get(k) for k in ("build", "built_at", "source", "road_km", "edges", "turn_bans")},
        "speeds": None
        if learned is None
        else {
            "overall": round(learned.overall, 3),
            "per_km_s": round(learned.per_km_s, 1),
            "start_stop_s": round(learned.start_stop_s, 1),
            **learned.about,
        },
        "lessons": lessons,
    }


def show_lesson(row: RoadLesson) -> dict[str, Any]:
    """One learning of speeds."""
    return {
        "id": str(row.id),
        "state": row.state,
        "asked_at": present.time(row.asked_at),
        "since": present.time(row.since),
        "until": present.time(row.until),
        "finished_at": present.time(row.finished_at),
        "version": row.version,
        "figures": row.figures,
    }
