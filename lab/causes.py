"""What happens to people in the demo city, how often, and what they say about it on the telephone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of loss: weight among all reports, line, cause code, chances, notes, and where it happens."""

    weight: float
    line: str  # motor | property | agri
    cause: str
    notes: tuple[str, ...]
    injured: float = 0.0
    movable: float = 1.0
    third_party: float = 0.0
    scene_left: float = 0.15
    where: str = "any"  # main | street | any | field
    delay_min: tuple[float, float] = (2.0, 18.0)  # from the loss to the call


KINDS = (
    Kind(24, "motor", "collision", (
        "路口左转与直行车相撞，左前受损", "变道时与旁车相撞，右前门凹陷",
        "避让电动车撞上护栏，前保险杠破损", "会车时碰撞，左前大灯破碎",
        "掉头时与直行车相撞，左后门及翼子板受损",
    ), injured=0.13, movable=0.72, third_party=0.75, where="main"),
    Kind(20, "motor", "rear_end", (
        "等红灯时被后车追尾，后保险杠破裂", "跟车过近追尾前车，前杠及机盖变形", "三车追尾，我车在中间",
        "早高峰缓行时追尾，损失较轻",
    ), injured=0.07, movable=0.85, third_party=0.95, where="main"),
    Kind(19, "motor", "scratch", (
        "出小区时右侧刮到立柱", "倒车刮到墙角，后保险杠划痕", "窄路会车剐蹭，后视镜破损", "靠边停车蹭到路沿石，轮毂和门槛划伤",
    ), third_party=0.35, where="street"),
    Kind(14, "motor", "parked_hit", (
        "停在路边被撞，肇事车已离开", "地下车库停放，早上发现后杠被撞", "停放在小区门口被三轮车刮到左侧两门",
        "商场停车场被撞，对方留了电话",
    ), third_party=0.3, scene_left=0.35, where="street", delay_min=(10, 300)),
    Kind(4, "motor", "glass", ("前挡风玻璃被石子击裂", "右后门玻璃破碎，车内物品未丢失"), scene_left=0.5),
    Kind(2.5, "motor", "falling_object", ("楼上坠物砸到车顶", "大风刮断树枝砸到机盖"), where="street", delay_min=(5, 240)),
    Kind(2.5, "motor", "flood", ("桥下积水，车辆涉水熄火，水到座椅", "地库进水，水位超过轮毂"), movable=0.1, delay_min=(5, 90)),
    Kind(2, "motor", "hail", ("冰雹把机盖和车顶砸出多处凹坑",), scene_left=0.6, delay_min=(20, 400)),
    Kind(1.2, "motor", "vandalism", ("车身被划，左侧两门长划痕",), where="street", delay_min=(30, 500)),
    Kind(0.8, "motor", "theft", ("早上发现车辆不见，已报警", "车内物品被盗，右前窗被砸"),
         movable=0.4, where="street", delay_min=(60, 700)),
    Kind(0.6, "motor", "fire", ("发动机舱起火，已扑灭",), movable=0.0, where="main"),
    Kind(0.6, "motor", "rollover", ("弯道侧翻，人员已自行脱离",), injured=0.5, movable=0.0, where="main"),
    Kind(3, "property", "water", ("楼上漏水，吊顶和地板受损", "仓库水管爆裂，纸箱货物浸湿"), where="street", delay_min=(20, 500)),
    Kind(1.2, "property", "storm", ("大风掀翻厂房彩钢瓦屋顶", "广告牌被吹落，砸坏玻璃门"), where="street", delay_min=(20, 300)),
    Kind(0.8, "property", "fire", ("商铺配电箱起火，墙面熏黑，已扑灭",), where="street", delay_min=(10, 120)),
    Kind(1.4, "agri", "hail", ("玉米被冰雹打折，约十二亩", "小麦倒伏，麦穗受损"), where="field", delay_min=(120, 1_500)),
    Kind(1.0, "agri", "flood", ("水稻田被淹，水深约四十厘米", "蔬菜大棚进水"), where="field", delay_min=(120, 1_500)),
)  # fmt: skip

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
TITLES = ("先生", "女士")
RELATIONS = (("insured", 0.58), ("driver", 0.24), ("family", 0.12), ("other", 0.06))
SPOTS = (
    "{road}与{other}路口附近", "{road}与{other}交叉口东侧约50米",
    "{road}与{other}路口北侧公交站旁", "{road}近{other}，加油站对面",
)  # fmt: skip
ALONG = ("{road}{number}号附近", "{road}{number}号门前", "{road}辅路，近{number}号", "{road}某小区门口")
UNNAMED = "{district}乡村道路"
UNNAMED_EN = "country road in {district}"
# Share of the day's reports in each hour, midnight first: two rush hours, a quiet night.
HOURS = (
    0.9, 0.6, 0.4, 0.35, 0.4, 0.8, 2.0, 5.2, 8.0, 7.0, 5.8, 5.3,
    5.0, 4.9, 5.1, 5.3, 5.9, 7.4, 8.2, 6.3, 4.9, 3.9, 2.7, 1.6,
)  # fmt: skip
