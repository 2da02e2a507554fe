"""What simulated people do and write about a case: which shots, which report, which damage lines. All invented."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab import city as generator
from lab import osm
from lab.citymap import City

CITY_SEED = 1

SUMMARIES = (
    "现场查勘完毕，碰撞痕迹与客户陈述相符，损失部位已逐一拍照。",
    "标的车已移至路边，无人受伤，双方已按快处快赔程序签字确认。",
    "痕迹高度与对方车辆吻合，未见拼凑迹象，建议按现场损失定损。",
    "客户情绪稳定，已说明索赔单证，损失较轻，可一次定损。",
)
LIABILITIES = ("full", "main", "equal", "minor", "none")
PARTS = (
    ("前保险杠", "replace", 68_000),
    ("前保险杠", "paint", 45_000),
    ("左前大灯", "replace", 132_000),
    ("左前翼子板", "repair", 35_000),
    ("发动机盖", "paint", 50_000),
    ("右前门", "repair", 40_000),
    ("右前门", "paint", 45_000),
    ("后保险杠", "paint", 42_000),
    ("后保险杠", "replace", 61_000),
    ("左后尾灯", "replace", 54_000),
    ("行李箱盖", "repair", 38_000),
    ("倒车镜总成", "replace", 46_000),
    ("前挡风玻璃", "replace", 98_000),
    ("拆装工时", "labour", 12_000),
    ("钣金工时", "labour", 18_000),
)
THINGS = (
    ("货架", "replace", 32_000),
    ("墙面", "repair", 26_000),
    ("地板", "replace", 48_000),
    ("存货", "other", 85_000),
    ("电器", "replace", 120_000),
    ("清理费", "labour", 20_000),
)


def city_of(roads: str) -> City:
    """The demonstration's city: of an OpenStreetMap extract when one is given, else the generated one."""
    return osm.from_osm(Path(roads)) if roads else generator.generate(CITY_SEED)


def shots_to_take(task: Mapping[str, Any], rng: random.Random) -> list[str]:
    """The shots still missing, as often as the list wants them; a retake list after a send-back; rarely an extra."""
    wanted: list[str] = []
    for shot in task.get("shots", []):
        lacking = int(shot["required"]) - int(shot["taken"]) + int(shot.get("sent_back", 0))
        wanted += [shot["code"]] * max(0, min(lacking, 4))
    sent_back = [p["shot"] for p in task.get("photos", []) if p.get("verdict") == "sent_back"]
    if task["state"] == "returned":
        return wanted or sent_back or ["other"]
    if rng.random() < 0.4:
        wanted.append("third_car" if task.get("line") == "motor" else "documents")
    return wanted or ["other"]


def survey_report(task: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    """A survey report as the phone sends it."""
    report: dict[str, Any] = {"summary": rng.choice(SUMMARIES), "first_scene": rng.random() < 0.7}
    if task.get("line") == "motor":
        report["liability"] = rng.choice(LIABILITIES)
    return report


def damage_lines(claim: Mapping[str, Any], rng: random.Random) -> list[dict[str, Any]]:
    """Two to six lines of an assessment; prices in fen."""
    stock = PARTS if claim.get("line") == "motor" else THINGS
    item = "标的车" if claim.get("line") == "motor" else "标的"
    chosen = rng.sample(stock, rng.randint(2, min(6, len(stock))))
    return [
        {
            "item": item,
            "part": part,
            "action": action,
            "qty": 1,
            "unit_fen": int(price * rng.uniform(0.7, 1.3)) // 100 * 100,
            "note": "",
        }
        for part, action, price in ((p, a, float(f)) for p, a, f in chosen)
    ]


def total(lines: list[dict[str, Any]]) -> int:
    """What the lines add up to, in fen."""
    return sum(int(line["qty"] * line["unit_fen"]) for line in lines)
