"""What all photographs of one claim share: the car, its damage, the other car, the place."""

import zlib
from dataclasses import dataclass, replace

import numpy as np

from lab import dents
from lab.carmesh import BODIES
from lab.carpaint import PAINTS, Look
from lab.setting import Setting

PAINT_ODDS = {
    "white": 0.33,
    "black": 0.18,
    "silver": 0.14,
    "grey": 0.13,
    "blue": 0.09,
    "red": 0.06,
    "champagne": 0.04,
    "green": 0.03,
}
REAR_CAUSES, FRONT_CAUSES = ("parked_hit",), ("rear_end", "rollover")


@dataclass(frozen=True)
class Story:
    """What all photographs of one claim have in common."""

    plate: str
    vin: str
    look: Look
    other: Look
    other_plate: str
    setting: Setting
    zone: str
    cause: str


def tell(plate: str, vin: str, seed: int, cause: str, hour: int | None) -> Story:
    """Makes up the car, its damage and the place; the same plate always gets the same car and damage."""
    key = zlib.crc32(plate.encode()) if plate else seed
    rng = np.random.default_rng((key, 83))
    body = BODIES[str(rng.choice(["sedan", "suv", "hatch"], p=[0.5, 0.33, 0.17]))]
    paint = str(rng.choice(list(PAINT_ODDS), p=list(PAINT_ODDS.values())))
    zone = str(rng.choice(dents.ZONES[:8]))
    if cause in REAR_CAUSES:
        zone = str(rng.choice(["rear", "rear_right", "rear_left"]))
    if cause in FRONT_CAUSES:
        zone = str(rng.choice(["front", "front_left", "front_right", "rear"]))
    severe = (
        float(rng.uniform(0.05, 0.35))
        if cause in ("scratch", "vandalism", "hail")
        else float(rng.uniform(0.3, 0.95))
    )
    damages = [] if cause in ("flood", "theft", "glass") else [dents.make(zone, body, key, severe=severe)]
    if cause in ("hail", "falling_object"):
        zone = "bonnet"
        damages = [
            replace(dents.make(zone, body, key, severe=0.8), scratches=3, smear=None, hail=cause == "hail")
        ]
    wet = float(rng.uniform(0.45, 0.85)) if cause in ("flood", "water") else None
    look = Look(body, paint, len(plate) == 8, key % 97, tuple(damages), float(rng.uniform(0.1, 0.55)), wet)
    other_body = BODIES[str(rng.choice(["sedan", "suv", "hatch"]))]
    other_zone = "rear" if zone.startswith("front") else "front"
    other = Look(
        other_body,
        str(rng.choice(list(PAINTS))),
        False,
        key % 89,
        (dents.make(other_zone, other_body, key + 9, severe=0.4),),
    )
    ground = str(rng.choice(["street", "carpark", "basement"], p=[0.55, 0.3, 0.15]))
    if cause in ("rear_end", "collision", "rollover", "flood"):
        ground = "street"
    elif cause == "parked_hit" and ground == "street":
        ground = "carpark"
    night = hour is not None and (hour < 6 or hour >= 19)
    lamp = "night" if night else "dusk" if hour in (6, 18) else str(rng.choice(["sunny", "cloudy"]))
    setting = Setting(ground, "basement" if ground == "basement" else lamp, key % 1_009)
    return Story(plate, vin, look, other, f"豫X{int(rng.integers(10**5)):05d}", setting, zone, cause)
