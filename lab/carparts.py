"""The parts of a car as materials: gaps, lamps, glass, wheels, by where a point lies on the body."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.carmesh import ROOF_V, WINDOW_V, Body
from lab.raster import Array, smooth

Colour = tuple[float, float, float]
GAP_M = 0.0055
DARK: Colour = (0.006, 0.006, 0.007)
BLACK: Colour = (0.010, 0.010, 0.011)
CHROME: Colour = (0.52, 0.53, 0.55)


@dataclass
class Skin:
    """Points on a car: where they are, and the material they have got so far (linear albedo, shine 0 to 2)."""

    x: Array
    y: Array
    z: Array
    v: Array
    side: Array  # how much the surface faces sideways, 0 to 1
    albedo: Array  # 3 × n
    shine: Array

    def mix(self, mask: Array, colour: Colour | Array, shine: float) -> None:
        """Paints another material where the mask says."""
        rows = np.flatnonzero(mask > 0.004)
        share = mask[rows].astype(np.float32)
        for channel, level in zip(self.albedo, colour, strict=True):
            new = level[rows] if isinstance(level, np.ndarray) else np.float32(level)
            channel[rows] += (new - channel[rows]) * share
        self.shine[rows] += (np.float32(shine) - self.shine[rows]) * share

    def take(self, rows: NDArray[np.intp]) -> "Skin":
        """A part of the skin, to be worked on and put back."""
        x, y, z, v, side = (a[rows] for a in (self.x, self.y, self.z, self.v, self.side))
        return Skin(x, y, z, v, side, self.albedo[:, rows], self.shine[rows])

    def put(self, rows: NDArray[np.intp], part: "Skin") -> None:
        """Puts back the materials of a part."""
        self.albedo[:, rows], self.shine[rows] = part.albedo, part.shine


def grey(level: Array) -> Array:
    """Greys as colours."""
    return np.broadcast_to(level, (3, len(level)))


def between(low: float | Array, x: Array, high: float | Array, soft: float = 0.006) -> Array:
    """1 inside an interval, with soft edges."""
    return np.clip((x - low) / soft + 0.5, 0, 1) * np.clip((high - x) / soft + 0.5, 0, 1)


def fit_out(skin: Skin, part: Array, body: Body, *, electric: bool, style: int) -> None:
    """Gives every point its material. `part`: 0 body, 1 wheel face, 2 tread, 3 mirror."""
    half, belt = body.length / 2, body.deck[4][1]
    painted = part < 0.5
    x, v = skin.x, skin.v
    jobs = (
        (painted & (skin.side > 0) & (v < WINDOW_V), lambda s: _flank(s, body, belt)),
        (painted & (x > body.screen[1] - 0.1) & (v > 0.44), lambda s: _bonnet(s, body)),
        (painted & (x > half - 0.64), lambda s: _front(s, body, electric)),
        (painted & (x < -half + 0.44), lambda s: _rear(s, body)),
        (painted & (v > WINDOW_V - 0.01), lambda s: _glass(s, body, belt)),
        (painted & (skin.z < body.wheel * 2 + 0.15), lambda s: _below(s, body)),
        ((part > 0.5) & (part < 1.5), lambda s: _wheel(s, body, style)),
        ((part > 1.5) & (part < 2.5), lambda s: s.mix(np.ones_like(s.x), (0.012, 0.012, 0.012), 0.02)),
        ((part > 2.5) & (x < 0.62), lambda s: s.mix(np.ones_like(s.x), (0.02, 0.02, 0.02), 0.6)),
    )
    for where, paint in jobs:
        rows = np.flatnonzero(where)
        if len(rows):
            held = skin.take(rows)
            paint(held)
            skin.put(rows, held)


def _flank(s: Skin, body: Body, belt: float) -> None:
    """Shut lines of the doors and bumpers, handles, the fuel flap."""
    half = body.length / 2
    lines = (
        (body.pillars[2] + 0.05 * (belt - s.z), 0.30, belt), (np.full_like(s.x, body.pillars[0]), 0.30, belt),
        (body.pillars[1] - 0.25 * np.clip(0.78 - s.z, 0, 1), 0.30, belt),
        (np.full_like(s.x, half - 0.60), 0.30, body.lamp_z), (np.full_like(s.x, -half + 0.52), 0.30, body.tail_z - 0.10),
    )  # fmt: skip
    for line, low, high in lines:
        s.mix(s.side * between(-GAP_M, s.x - line, GAP_M) * between(low, s.z, high), DARK, 0.1)
    doors = between(body.pillars[1] - 0.12, s.x, body.pillars[2] + 0.03)
    s.mix(s.side * doors * between(0.30 - GAP_M, s.z, 0.30 + GAP_M), DARK, 0.1)
    for handle in (body.pillars[0] + 0.17, body.pillars[1] + 0.24):
        grip = s.side * between(handle - 0.10, s.x, handle + 0.10, 0.012)
        s.mix(grip * between(belt - 0.150, s.z, belt - 0.136), (0.01, 0.01, 0.01), 0.1)
        s.mix(grip * between(belt - 0.136, s.z, belt - 0.112, 0.01), CHROME, 0.9)
    flap = np.maximum(np.abs(s.x + half - 0.86), np.abs(s.z - belt + 0.14))
    s.mix(s.side * (s.y < 0) * between(0.075, flap, 0.083, 0.004), DARK, 0.1)


def _bonnet(s: Skin, body: Body) -> None:
    """The shut lines of the bonnet."""
    half = body.length / 2
    s.mix(between(0.464, s.v, 0.472, 0.004) * between(body.screen[1] - 0.05, s.x, half - 0.30), DARK, 0.1)
    nose = half - 0.30 - 0.10 * (s.y / (body.width / 2)) ** 2
    s.mix(between(0.46, s.v, 1.1) * between(-GAP_M, s.x - nose, GAP_M), DARK, 0.1)


def _front(s: Skin, body: Body, electric: bool) -> None:
    """Grille, headlamps, air intake, badge."""
    half, w, lamp = body.length / 2, body.width / 2, body.lamp_z
    y = np.abs(s.y)
    face = between(half - 0.34, s.x, half + 1)
    if not electric:
        edge = 0.46 - 0.35 * np.clip(lamp - 0.02 - s.z, 0, 1)
        grille = face * between(lamp - 0.145, s.z, lamp + 0.035) * between(-1, y, edge)
        bars = 0.5 + 0.5 * np.sin(s.z * (2 * np.pi / 0.034))
        s.mix(grille, grey(0.012 + 0.05 * bars**4), 0.5)
        frame = grille * (1 - between(lamp - 0.135, s.z, lamp + 0.025) * between(-1, y, edge - 0.014))
        s.mix(frame, CHROME, 1.0)
    plate = body.plate_z[1]
    intake = (
        face * between(body.clearance + 0.05, s.z, plate - 0.10) * between(-1, y, 0.62 - 0.6 * (s.z - 0.25))
    )
    mesh = 0.5 + 0.5 * np.sin(y * (2 * np.pi / 0.03)) * np.sin(s.z * (2 * np.pi / 0.03))
    s.mix(intake, grey(0.006 + 0.02 * mesh), 0.1)
    s.mix(
        face * between(0.66 * w, y, 0.88 * w) * between(body.clearance + 0.08, s.z, plate - 0.04),
        (0.012, 0.012, 0.013),
        0.4,
    )
    badge = np.hypot(y, s.z - lamp + (-0.03 if electric else 0.045))
    s.mix(face * between(-1, badge, 0.048), CHROME, 1.0)
    rows = np.flatnonzero((y > 0.48 * w) & (np.abs(s.z - lamp) < 0.2))
    if len(rows):
        held = s.take(rows)
        _headlamp(held, half, w, lamp)
        s.put(rows, held)


def _headlamp(s: Skin, half: float, w: float, lamp: float) -> None:
    """A clear lens over two projectors and a strip of daylight."""
    y = np.abs(s.y)
    out = (y / w - 0.5) / 0.45
    low, high = lamp - 0.055 + 0.035 * out, lamp + 0.045 + 0.075 * out
    tip = half - 0.50 + 0.9 * np.clip(high - s.z, 0, None)
    lens = between(0.50 * w, y, 2) * between(0, s.z - low, high - low) * between(tip, s.x, half + 1, 0.01)
    s.mix(lens, grey(0.20 + 0.22 * smooth(0.02, 0.0, np.abs(s.z - low - 0.02))), 1.3)
    for spot in (0.62, 0.76):
        away = np.hypot(y - spot * w, s.z - lamp - 0.022)
        s.mix(lens * between(-1, away, 0.034, 0.008), (0.02, 0.02, 0.025), 1.6)
        s.mix(lens * between(-1, away, 0.017, 0.008), (0.8, 0.82, 0.85), 1.5)
    s.mix(lens * between(0.004, s.z - low, 0.016), (0.85, 0.87, 0.9), 1.0)
    s.mix(lens * (1 - between(0.008, s.z - low, high - low - 0.008)), BLACK, 0.6)


def _rear(s: Skin, body: Body) -> None:
    """Rear lamps, boot lid, plate recess, lower bumper."""
    half, w, tail = body.length / 2, body.width / 2, body.tail_z
    y = np.abs(s.y)
    lid = between(-half - 1, s.x, -half + 0.30)
    bottom, plate = body.plate_z[0] - 0.17, body.plate_z[0]
    s.mix(lid * between(-GAP_M, s.z - bottom, GAP_M) * between(-1, y, 0.70 * w), DARK, 0.1)
    s.mix(lid * between(bottom, s.z, tail + 0.2) * between(-GAP_M, y - 0.70 * w, GAP_M), DARK, 0.1)
    recess = lid * between(-1, y, 0.30, 0.02) * between(plate - 0.10, s.z, plate + 0.09, 0.03)
    s.albedo *= 1 - 0.4 * recess
    s.mix(lid * between(tail + 0.005, s.z, tail + 0.03) * between(-1, y, 0.40 * w), CHROME, 1.0)
    s.mix(lid * between(-1, np.hypot(y, s.z - tail - 0.075), 0.042), CHROME, 1.0)
    lamps = between(0.56 * w, y, 2) * between(tail - 0.085 + 0.03 * (y / w), s.z, tail + 0.07)
    stripe = 0.5 + 0.5 * np.sin(s.z * (2 * np.pi / 0.045))
    s.mix(lamps, np.stack([0.26 + 0.22 * stripe, 0.008 + 0.008 * stripe, 0.010 + 0.01 * stripe]), 1.2)
    s.mix(lamps * between(tail - 0.055, s.z, tail - 0.03) * between(0.70 * w, y, 2), (0.5, 0.42, 0.36), 1.2)
    s.mix(lamps * (1 - between(tail - 0.075 + 0.03 * (y / w), s.z, tail + 0.06)), (0.03, 0.004, 0.004), 0.6)
    s.mix(between(-1, s.z, 0.36) * between(-1, y, 0.86 * w), (0.016, 0.016, 0.017), 0.2)
    s.mix(between(0.64 * w, y, 0.86 * w) * between(0.42, s.z, 0.45), (0.26, 0.01, 0.01), 1.0)


def _glass(s: Skin, body: Body, belt: float) -> None:
    """Side windows, windscreen and rear window with their black rims."""
    top = max(height for _, height in body.roof)
    rise = np.clip((s.z - belt - 0.02) / (top - belt), 0, 1)
    a_line = body.screen[1] - 0.10 + (body.screen[0] - body.screen[1] + 0.02) * rise
    c_line = body.back[1] + 0.34 + (body.back[0] - body.back[1] + 0.02) * rise
    if body.name != "sedan":
        c_line = body.back[1] + 0.30 + (body.back[0] - body.back[1]) * rise * 0.9
    side = between(WINDOW_V + 0.004, s.v, ROOF_V - 0.012, 0.008) * between(
        0, s.x - c_line, a_line - c_line, 0.01
    )
    inner = between(WINDOW_V + 0.022, s.v, ROOF_V - 0.030, 0.008)
    inner *= between(0.03, s.x - c_line, a_line - c_line - 0.03, 0.01)
    s.mix(side, (0.020, 0.025, 0.026), 1.9)
    for seat in (body.pillars[0] - 0.16, body.pillars[1] + 0.10):
        rest = np.hypot((s.x - seat) / 0.15, (s.z - belt - 0.20) / 0.13)
        back = np.hypot((s.x - seat) / 0.24, (s.z - belt + 0.14) / 0.26)
        s.mix(
            side * np.maximum(between(-1, rest, 1, 0.06), between(-1, back, 1, 0.05)),
            (0.004, 0.004, 0.004),
            1.7,
        )
    s.mix(side * smooth(ROOF_V - 0.06, ROOF_V - 0.02, s.v) * 0.6, (0.05, 0.055, 0.055), 1.9)
    s.mix(side * (1 - inner), BLACK, 0.5)
    s.mix(side * between(body.pillars[0] - 0.05, s.x, body.pillars[0] + 0.05), BLACK, 0.5)
    s.mix(side * between(body.pillars[1] - 0.02, s.x, body.pillars[1] + 0.02), BLACK, 0.5)
    for low, high in (
        (body.screen[0] + 0.06, body.screen[1] - 0.02),
        (body.back[1] + 0.03, body.back[0] - 0.05),
    ):
        pane = between(ROOF_V + 0.022, s.v, 2, 0.008) * between(low, s.x, high, 0.012)
        clear = between(ROOF_V + 0.045, s.v, 2, 0.008) * between(low + 0.05, s.x, high - 0.06, 0.012)
        s.mix(pane, grey(0.012 + 0.022 * np.clip((s.x - low) / (high - low), 0, 1)), 1.9)
        rest = np.hypot((np.abs(s.y) - 0.36) / 0.13, (s.z - top + 0.28) / 0.11)
        s.mix(pane * between(-1, rest, 1, 0.08), (0.004, 0.004, 0.004), 1.8)
        s.mix(pane * (1 - clear), BLACK, 0.8)


def _below(s: Skin, body: Body) -> None:
    """Wheel arches and the sill."""
    sill = 0.42 if body.name == "suv" else 0.27
    s.mix(between(-1, s.z, sill), (0.018, 0.018, 0.019), 0.18)
    side = np.clip(s.side * 3, 0, 1)
    for axle in body.axles:
        away = np.hypot(s.x - axle, s.z - body.wheel)
        if body.name == "suv":
            s.mix(side * between(-1, away, body.wheel + 0.115), (0.02, 0.02, 0.021), 0.15)
        s.mix(side * between(-1, away, body.wheel + 0.055), (0.008, 0.008, 0.008), 0.02)


def _wheel(s: Skin, body: Body, style: int) -> None:
    """Tyre wall, rim with spokes, brake disc behind it."""
    axle = np.where(np.abs(s.x - body.axles[1]) < 0.7, body.axles[1], body.axles[0]).astype(np.float32)
    across, high = s.x - axle, s.z - body.wheel
    away = np.hypot(across, high) / body.wheel
    s.mix(np.ones_like(s.x), (0.017, 0.017, 0.018), 0.06)
    s.mix(between(0.86, away, 0.875, 0.01), (0.05, 0.05, 0.05), 0.1)
    well = between(-1, away, 0.70, 0.015)
    s.mix(well, (0.02, 0.02, 0.021), 0.1)
    s.mix(well * between(0.18, away, 0.52, 0.02), (0.16, 0.16, 0.16), 0.4)
    count = 5 + style % 2
    turn = np.arctan2(high, across) * (count / (2 * np.pi)) + 0.37 * style
    wave = np.abs(np.mod(turn, 1) - 0.5) * (2 * np.pi / count)
    alloy: Colour = (0.80, 0.81, 0.82) if style % 3 else (0.06, 0.06, 0.065)
    s.mix(well * smooth(0.055, 0.04, np.abs(wave - 0.13) * away), alloy, 0.9)
    s.mix(between(0.64, away, 0.70, 0.012), alloy, 1.0)
    s.mix(between(-1, away, 0.20, 0.015), alloy, 0.9)
    s.mix(between(-1, away, 0.09, 0.015), (0.03, 0.03, 0.03), 0.6)
