"""What OpenStreetMap tags mean for a car: which ways it may use, in which direction, how fast. Pure functions.

Speeds, surfaces and barriers follow the car profile of OSRM (profiles/car.lua, BSD-2), so that the two engines answer
about the same question."""

import re
from collections.abc import Mapping
from typing import NamedTuple

# The order is stored in graphs: append only.
CLASSES = (
    "motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "living_street",
    "service", "motorway_link", "trunk_link", "primary_link", "secondary_link", "tertiary_link", "track", "ferry",
)  # fmt: skip
CLASS_NO = {name: number for number, name in enumerate(CLASSES)}
FREE_FLOW_KMH = {
    "motorway": 90, "trunk": 85, "primary": 65, "secondary": 55, "tertiary": 40, "unclassified": 25,
    "residential": 25, "living_street": 10, "service": 15, "motorway_link": 45, "trunk_link": 40,
    "primary_link": 30, "secondary_link": 25, "tertiary_link": 20, "track": 12, "ferry": 12,
}  # fmt: skip
OF_LIMIT = 0.8  # a car averages four fifths of a posted limit
SURFACE_KMH = {
    "cement": 80, "compacted": 80, "fine_gravel": 80, "paving_stones": 60, "metal": 60, "bricks": 60, "grass": 40,
    "wood": 40, "sett": 40, "grass_paver": 40, "gravel": 40, "unpaved": 40, "ground": 40, "dirt": 40,
    "pebblestone": 40, "cobblestone": 30, "unhewn_cobblestone": 30, "clay": 30, "earth": 20, "stone": 20,
    "rocky": 20, "sand": 20, "mud": 10,
}  # fmt: skip
TRACK_KMH = {"grade1": 60, "grade2": 40, "grade3": 30, "grade4": 25, "grade5": 20}
SMOOTH_KMH = {"intermediate": 80, "bad": 40, "very_bad": 20, "horrible": 10, "very_horrible": 5}
SERVICE_KMH = {"parking_aisle": 8, "driveway": 10, "alley": 10, "drive-through": 5}
ZONE_KMH = {
    "urban": 50, "rural": 80, "trunk": 100, "motorway": 120, "living_street": 20, "walk": 7, "none": 140,
    "signals": 80,
}  # fmt: skip
MODES = ("motorcar", "motor_vehicle", "vehicle", "access")  # the narrowest word wins
CLOSED = {
    "no", "agricultural", "forestry", "emergency", "psv", "bus", "hgv", "military", "use_sidepath", "foot", "bicycle",
}  # fmt: skip
OPEN = {
    "yes",
    "designated",
    "permissive",
    "official",
    "public",
    "destination",
    "private",
    "customers",
    "delivery",
}
# Gates and guards stand at such roads: open for who has business there, slow enough that nobody is sent through.
BY_LEAVE = {"private", "destination", "customers", "delivery", "permit", "residents"}
BY_LEAVE_SHARE = 0.4
PASSABLE = {
    "gate", "lift_gate", "toll_booth", "border_control", "cattle_grid", "entrance", "no", "sally_port", "swing_gate",
    "rising_bollard", "height_restrictor", "kerb",
}  # fmt: skip
DELAY_S = {"gate": 12.0, "lift_gate": 12.0, "swing_gate": 12.0, "toll_booth": 15.0, "traffic_signals": 8.0}
BOARDING_S = 300.0
SLOWEST_KMH, FASTEST_KMH = 3.0, 140.0


class Drive(NamedTuple):
    """What a car makes of a way. Metres a second; 0 means that direction is closed. `fixed_s` is a timetable."""

    road_class: str
    forward_mps: float
    backward_mps: float
    fixed_s: float | None = None


def drive(tags: Mapping[str, str]) -> Drive | None:
    """How a car uses a way; None when it cannot."""
    if tags.get("area") == "yes":
        return None
    road_class = _class(tags)
    if road_class is None:
        return None
    forward, backward = (_may(tags, side, road_class) for side in ("forward", "backward"))
    way = one_way(tags, road_class)
    forward, backward = forward and way >= 0, backward and way <= 0
    if not forward and not backward:
        return None
    ahead = _kmh(tags, road_class, "forward") / 3.6 if forward else 0.0
    back = _kmh(tags, road_class, "backward") / 3.6 if backward else 0.0
    if road_class == "ferry":
        sailing_s = duration_s(tags.get("duration", ""))
        return Drive(road_class, ahead, back, None if sailing_s is None else sailing_s + BOARDING_S)
    return Drive(road_class, ahead, back)


def _class(tags: Mapping[str, str]) -> str | None:
    if tags.get("route") == "ferry" or tags.get("route") == "shuttle_train":
        return "ferry" if any(tags.get(mode) in OPEN for mode in (*MODES[:3], "car")) else None
    kind = tags.get("highway", "").split(";")[0]
    kind = "unclassified" if kind == "road" else kind
    if kind == "track":
        good = tags.get("tracktype") in ("grade1", "grade2") or allowed(tags) is True
        return kind if good else None
    if kind == "pedestrian":
        return "living_street" if tags.get("motor_vehicle") in OPEN or tags.get("motorcar") in OPEN else None
    if tags.get("service") == "emergency_access":
        return None
    return kind if kind in CLASS_NO else None


def allowed(tags: Mapping[str, str], side: str = "") -> bool | None:
    """What the access tags say about cars; None when they say nothing a car understands."""
    for mode in MODES:
        value = tags.get(f"{mode}:{side}") if side else None
        value = value or tags.get(mode)
        if value in CLOSED:
            return False
        if value:
            return True
    return None


def _may(tags: Mapping[str, str], side: str, road_class: str) -> bool:
    return allowed(tags, side) is not False and tags.get("smoothness") != "impassable"


def one_way(tags: Mapping[str, str], road_class: str) -> int:
    """1 along the way only, -1 against it only, 0 both; 2 never (direction changes by the hour)."""
    said = tags.get("oneway:motorcar") or tags.get("oneway:motor_vehicle") or tags.get("oneway", "")
    if said in ("yes", "true", "1"):
        return 1
    if said in ("-1", "reverse"):
        return -1
    circle = tags.get("junction") in ("roundabout", "circular")
    if said in ("no", "false", "0", "alternating"):
        return 0
    return 1 if circle or road_class in ("motorway", "motorway_link") else 0


def _kmh(tags: Mapping[str, str], road_class: str, side: str) -> float:
    limit = limit_kmh(tags.get(f"maxspeed:{side}") or tags.get("maxspeed") or "")
    speed = float(FREE_FLOW_KMH[road_class]) if limit is None else limit * OF_LIMIT
    if road_class == "service" and limit is None:
        speed = float(SERVICE_KMH.get(tags.get("service", ""), speed))
    caps = (
        SURFACE_KMH.get(tags.get("surface", "").lower().split(";")[0]), TRACK_KMH.get(tags.get("tracktype", "")),
        SMOOTH_KMH.get(tags.get("smoothness", "")),
    )  # fmt: skip
    speed = min([speed, *(float(cap) for cap in caps if cap is not None)])
    if _by_leave(tags):
        speed *= BY_LEAVE_SHARE
    return min(max(speed, SLOWEST_KMH), FASTEST_KMH)


def _by_leave(tags: Mapping[str, str]) -> bool:
    return next((tags[mode] for mode in MODES if mode in tags), "") in BY_LEAVE


def limit_kmh(text: str) -> float | None:
    """Kilometres an hour from a `maxspeed`: plain, mph, knots, zones such as CN:urban; of several the lowest."""
    found = [value for part in re.split("[;,|]", text) if (value := _one_limit(part.strip())) is not None]
    return min(found) if found else None


def _one_limit(text: str) -> float | None:
    number = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(mph|knots|km/h|kmh|kph)?", text)
    if number:
        factor = {"mph": 1.609344, "knots": 1.852}.get(number[2] or "", 1.0)
        speed = float(number[1]) * factor
        return speed if 3 <= speed <= 200 else None
    zone = text.rpartition(":")[2].lower()
    if zone in ZONE_KMH:
        return float(ZONE_KMH[zone])
    return float(zone[4:]) if re.fullmatch(r"zone\d{2,3}", zone) else None


def duration_s(text: str) -> float | None:
    """Seconds from a `duration` tag: minutes, HH:MM, HH:MM:SS or PT1H5M."""
    iso = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?", text)
    if iso and text != "PT":
        return 3600.0 * int(iso[1] or 0) + 60.0 * int(iso[2] or 0)
    if re.fullmatch(r"\d+(:\d{1,2}){0,2}", text):
        parts = [int(part) for part in text.split(":")]
        seconds = {1: (0, 60), 2: (3600, 60), 3: (3600, 60, 1)}[len(parts)]
        return (
            float(parts[0] * 60)
            if len(parts) == 1
            else float(sum(a * b for a, b in zip(parts, seconds, strict=True)))
        )
    return None


class Stop(NamedTuple):
    """A node that holds a car up: `closed` ends the road there, else it costs seconds."""

    closed: bool
    delay_s: float


def stop(tags: Mapping[str, str]) -> Stop | None:
    """What a tagged node does to a car; None when nothing."""
    barrier = tags.get("barrier", "")
    if barrier:
        says = allowed(tags)
        closed = says is False or (says is None and barrier not in PASSABLE)
        return Stop(closed, 0.0 if closed else DELAY_S.get(barrier, 0.0))
    delay_s = DELAY_S.get(tags.get("highway", ""), 0.0)
    return Stop(False, delay_s) if delay_s else None
