"""Which views a job needs: a list by line and cause, with labels, tips and how many of each (domain.md §5)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

OTHER = "other"
CODE = re.compile(r"^[a-z][a-z0-9_]{0,39}$")


@dataclass(frozen=True)
class Shot:
    """A required or possible view. `required` is how many photos of it complete the list; 0 = when it applies."""

    code: str
    zh: str
    en: str
    required: int = 1
    tip_zh: str = ""
    tip_en: str = ""


SCENE = Shot(
    "scene",
    "现场环境",
    "Scene",
    2,
    "路牌或地标入镜，先远后近",
    "Road sign or landmark in the frame, far then near",
)
TRACES = Shot(
    "traces",
    "地面痕迹",
    "Traces on the ground",
    0,
    "前后左右四个方向；先拍易消失的",
    "From four sides; what vanishes first",
)
PEOPLE_CAR = Shot(
    "people_car",
    "人车合影",
    "Driver with vehicle",
    1,
    "驾驶员、车牌、现场同框",
    "Driver, plate and scene in one frame",
)
FRONT_LEFT = Shot(
    "car_front_left",
    "整车左前45°",
    "Vehicle front left 45°",
    1,
    "全车轮廓，车牌清晰",
    "Whole outline, plate readable",
)
REAR_RIGHT = Shot(
    "car_rear_right",
    "整车右后45°",
    "Vehicle rear right 45°",
    1,
    "全车轮廓，车牌清晰",
    "Whole outline, plate readable",
)
FRONT_RIGHT = Shot("car_front_right", "整车右前45°", "Vehicle front right 45°", 0)
REAR_LEFT = Shot("car_rear_left", "整车左后45°", "Vehicle rear left 45°", 0)
PLATE = Shot("plate", "车牌", "Number plate", 0, "正对车牌，字符清晰", "Square on, every character legible")
VIN = Shot("vin", "车架号", "VIN", 1, "17位字符全部清晰", "All 17 characters legible")
NAMEPLATE = Shot("nameplate", "铭牌", "Type plate", 0, "货车、客车必拍", "Trucks and vans: always")
ODOMETER = Shot("odometer", "里程表", "Odometer", 0)
LICENCE_VEHICLE = Shot("licence_vehicle", "行驶证", "Vehicle licence", 2, "正页和副页", "Both pages")
LICENCE_DRIVER = Shot("licence_driver", "驾驶证", "Driving licence", 2, "正页和副页", "Both pages")
DAMAGE_FAR = Shot(
    "damage_far", "损失部位·远景", "Damage, far", 1, "能看出在车的哪个位置", "Shows where on the vehicle"
)
DAMAGE_MID = Shot(
    "damage_mid", "损失部位·中景", "Damage, middle", 1, "受损件完整入镜", "The whole damaged part"
)
DAMAGE_CLOSE = Shot(
    "damage_close",
    "损失部位·近景",
    "Damage, close",
    1,
    "损伤细节，可放参照物",
    "Detail, with a scale if possible",
)
OBJECT = Shot(
    "object", "碰撞物与高度", "Object struck, height", 0, "与车损高度比对", "Compare heights with the damage"
)
THIRD_CAR = Shot("third_car", "三者车", "Other vehicle", 0, "整车、车牌、损失", "Whole, plate, damage")
DISMANTLED = Shot("dismantled", "拆检件", "Dismantled parts", 0)
CHASSIS = Shot("chassis", "底盘", "Underside", 0)
BATTERY = Shot("battery", "电池包/充电", "Battery, charging", 0)
POLICE = Shot("police_paper", "事故认定书/快处协议", "Police or settlement paper", 0)
DOCUMENTS = Shot("documents", "其他单证", "Other papers", 0)
WATER_LINE = Shot(
    "water_line",
    "水位线",
    "Water line",
    1,
    "参照物入镜：轮毂、座椅、仪表台",
    "With a scale: wheel, seat, dash",
)
ANYTHING = Shot(OTHER, "其他", "Other", 0)

MOTOR = (
    SCENE, PEOPLE_CAR, FRONT_LEFT, REAR_RIGHT, VIN, LICENCE_VEHICLE, LICENCE_DRIVER, DAMAGE_FAR, DAMAGE_MID, DAMAGE_CLOSE,
    FRONT_RIGHT, REAR_LEFT, PLATE, TRACES, OBJECT, THIRD_CAR, NAMEPLATE, ODOMETER, CHASSIS, BATTERY, DISMANTLED, POLICE,
    DOCUMENTS, ANYTHING,
)  # fmt: skip
PROPERTY = (
    Shot("whole", "标的全景", "The insured object", 1, "整体外观", "Whole view"),
    Shot("door_plate", "门牌", "Address plate", 1, "门牌号清晰", "Number legible"),
    DAMAGE_FAR,
    DAMAGE_MID,
    DAMAGE_CLOSE,
    Shot("inventory", "数量与规格", "Count and kind", 1, "清单同框", "With the list in the frame"),
    Shot("nameplate", "铭牌/序列号", "Name plate, serial number", 1),
    Shot("people", "合影", "Insured with surveyor", 1),
    replace(WATER_LINE, required=0),
    Shot("fire_origin", "起火点", "Origin of the fire", 0),
    Shot("salvage", "施救", "Salvage", 0),
    Shot("books", "账册", "Books", 0),
    DOCUMENTS,
    ANYTHING,
)
LIVESTOCK = (
    Shot("ear_tag", "耳标", "Ear tag", 1, "近景，号码清晰", "Close, number legible"),
    Shot("carcass", "尸体全景", "Carcass, whole", 1),
    Shot("head", "头部", "Head", 1),
    Shot("weighing", "称重/体长", "Weight or length", 1, "读数清晰", "Reading legible"),
    Shot("people", "被保险人+标的+查勘员", "Insured, animal, surveyor", 1),
    Shot("disposal_before", "无害化处理前", "Disposal, before", 1),
    Shot("disposal_after", "无害化处理后", "Disposal, after", 1),
    Shot("vet_paper", "兽医证明", "Vet's paper", 0),
    DOCUMENTS,
    ANYTHING,
)
CROPS = (
    Shot("plot", "地块全景", "Plot, whole", 1, "四至清楚", "All four borders"),
    Shot("corners", "四至坐标", "Corners", 4, "站在角点拍，开启定位", "From each corner, with position on"),
    Shot("sample_wide", "样点·全景", "Sample point, wide", 1),
    Shot("sample_close", "样点·近景", "Sample point, close", 1),
    Shot("compare", "受损与正常对比", "Damaged beside healthy", 1),
    Shot("people", "农户合影", "Farmer with surveyor", 1),
    Shot("drone", "无人机正射", "Drone view", 0),
    DOCUMENTS,
    ANYTHING,
)
ASSIST = (SCENE, FRONT_LEFT, PLATE, Shot("done", "救援完成", "Assistance done", 1), DOCUMENTS, ANYTHING)

ANIMALS = ("livestock", "animal", "养殖", "牲畜", "畜", "禽", "猪", "牛", "羊", "鸡")
WATER = ("flood", "water", "水", "涝")
THEFT = ("theft", "stolen", "盗")
# What the whole vehicle's list loses when there is no vehicle to photograph.
ON_THE_CAR = {s.code for s in (PEOPLE_CAR, FRONT_LEFT, REAR_RIGHT, VIN, DAMAGE_FAR, DAMAGE_MID, DAMAGE_CLOSE)}


def _about(cause: str | None, words: Iterable[str]) -> bool:
    said = (cause or "").lower()
    return any(word in said for word in words)


def _motor(cause: str | None) -> tuple[Shot, ...]:
    if _about(cause, THEFT):
        return tuple(replace(s, required=0) if s.code in ON_THE_CAR else s for s in MOTOR)
    if _about(cause, WATER):
        return (*MOTOR[:10], WATER_LINE, *MOTOR[10:])
    return MOTOR


def shots_for(line: str, cause: str | None) -> tuple[Shot, ...]:
    """The list of a job, in the order of work: scene, whole, identity, damage, papers."""
    if line == "property":
        if _about(cause, WATER):
            return tuple(replace(s, required=1) if s.code == WATER_LINE.code else s for s in PROPERTY)
        return PROPERTY
    if line == "agri":
        return LIVESTOCK if _about(cause, ANIMALS) else CROPS
    if line == "assist":
        return ASSIST
    return _motor(cause)


def missing(line: str, cause: str | None, taken: Mapping[str, int], waived: Iterable[str] = ()) -> list[Shot]:
    """The required shots of which there are too few among the photos that are not sent back."""
    excused = set(waived)
    return [s for s in shots_for(line, cause) if s.code not in excused and taken.get(s.code, 0) < s.required]


ALL = {s.code: s for s in (*MOTOR, WATER_LINE, *PROPERTY, *LIVESTOCK, *CROPS, *ASSIST)}


def known(code: str | None) -> str:
    """A shot code fit to store. Evidence is never refused for its label: an unreadable one becomes `other`."""
    return code if code and CODE.match(code) else OTHER


def labels(code: str) -> tuple[str, str]:
    """The Chinese and English label of a code; an unknown code labels itself."""
    shot = ALL.get(code)
    return (shot.zh, shot.en) if shot else (code, code)
