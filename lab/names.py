"""Street names for the made-up city: common Chinese stems, so that no real city is meant."""

from collections.abc import Iterator

import numpy as np

from lab.citymap import Name

# Stem and pinyin; the most usual first, because the longest roads take the first ones. One string, because a list of
# 170 quoted pairs would fill four pages.
STEM_TEXT = """
建设=Jianshe 新华=Xinhua 和平=Heping 中山=Zhongshan 文化=Wenhua 光明=Guangming 胜利=Shengli 长江=Changjiang
黄河=Huanghe 泰山=Taishan 团结=Tuanjie 友谊=Youyi 民主=Minzhu 迎宾=Yingbin 科技=Keji 创业=Chuangye
朝阳=Chaoyang 青年=Qingnian 红旗=Hongqi 前进=Qianjin 东风=Dongfeng 幸福=Xingfu 花园=Huayuan 学院=Xueyuan
体育=Tiyu 工业=Gongye 农业=Nongye 商城=Shangcheng 金水=Jinshui 嵩山=Songshan 华山=Huashan 淮河=Huaihe
珠江=Zhujiang 松花=Songhua 昆仑=Kunlun 天山=Tianshan 祁连=Qilian 秦岭=Qinling 太行=Taihang 伏牛=Funiu
桐柏=Tongbai 汉江=Hanjiang 洛河=Luohe 颍河=Yinghe 澧水=Lishui 沙河=Shahe 白河=Baihe 石门=Shimen
丰庆=Fengqing 丰产=Fengchan 丰乐=Fengle 金城=Jincheng 银河=Yinhe 星海=Xinghai 云山=Yunshan 翠竹=Cuizhu
梧桐=Wutong 银杏=Yinxing 紫荆=Zijing 玉兰=Yulan 海棠=Haitang 丁香=Dingxiang 腊梅=Lamei 桂花=Guihua
杏林=Xinglin 桃源=Taoyuan 李园=Liyuan 松柏=Songbai 杨柳=Yangliu 槐荫=Huaiyin 榆林=Yulin 枫林=Fenglin
荷塘=Hetang 莲湖=Lianhu 芙蓉=Furong 牡丹=Mudan 月季=Yueji 兰亭=Lanting 菊园=Juyuan 竹园=Zhuyuan
书院=Shuyuan 文庙=Wenmiao 鼓楼=Gulou 钟楼=Zhonglou 北关=Beiguan 南关=Nanguan 东关=Dongguan 西关=Xiguan
城隍=Chenghuang 马市=Mashi 布市=Bushi 盐店=Yandian 粮食=Liangshi 棉纺=Mianfang 纺织=Fangzhi 机床=Jichuang
轴承=Zhoucheng 电厂=Dianchang 铁道=Tiedao 车站=Chezhan 港湾=Gangwan 码头=Matou 渡口=Dukou 石桥=Shiqiao
青石=Qingshi 白塔=Baita 龙泉=Longquan 凤凰=Fenghuang 麒麟=Qilin 仙鹤=Xianhe 白鹭=Bailu 大雁=Dayan
百灵=Bailing 春晖=Chunhui 秋实=Qiushi 夏雨=Xiayu 冬青=Dongqing 晨光=Chenguang 晚霞=Wanxia 彩虹=Caihong
清风=Qingfeng 明月=Mingyue 星光=Xingguang 阳光=Yangguang 瑞达=Ruida 恒通=Hengtong 宏图=Hongtu 鸿运=Hongyun
永安=Yongan 长安=Changan 平安=Pingan 太平=Taiping 兴隆=Xinglong 兴业=Xingye 隆昌=Longchang 裕华=Yuhua
康平=Kangping 康乐=Kangle 福寿=Fushou 福民=Fumin 惠民=Huimin 惠济=Huiji 仁和=Renhe 仁爱=Renai
礼义=Liyi 信义=Xinyi 诚信=Chengxin 勤俭=Qinjian 自强=Ziqiang 奋斗=Fendou 求是=Qiushi 敬业=Jingye
正阳=Zhengyang 明阳=Mingyang 向阳=Xiangyang 景明=Jingming 景云=Jingyun 祥云=Xiangyun 祥瑞=Xiangrui 玉泉=Yuquan
"""
STEMS = tuple(Name(*pair.split("=")) for pair in STEM_TEXT.split())
NUMERALS = tuple(
    Name(zh, en)
    for zh, en in zip(
        ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"),
        ("1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th", "10th", "11th", "12th"),
        strict=True,
    )
)
SMALL = (Name("街", "Street"), Name("巷", "Lane"), Name("里", "Alley"))
HALVES = {
    "east": Name("东路", "East Road"), "west": Name("西路", "West Road"),
    "north": Name("北路", "North Road"), "south": Name("南路", "South Road"),
}  # fmt: skip
# Names of the main lines; the generator's plan refers to them.
RIVER = Name("清河", "Qing River")
RING_2, RING_3, RING_4 = (
    Name("二环路", "2nd Ring Road"),
    Name("三环路", "3rd Ring Road"),
    Name("四环路", "4th Ring Road"),
)
OUTER_LOOP = Name("环城公路", "County Loop Road")
AXIS_EW, AXIS_NS = Name("解放大道", "Jiefang Avenue"), Name("人民", "Renmin")
BANK_N, BANK_S = Name("滨河北路", "Binhe North Road"), Name("滨河南路", "Binhe South Road")
EXPRESSWAY = Name("绕城高速", "Ring Expressway")
NATIONAL = tuple(Name(f"{zh}公路", f"{en} Highway") for zh, en in (
    ("云石", "Yunshi"), ("清柳", "Qingliu"), ("白塔", "Baita"), ("石桥", "Shiqiao"), ("北湖", "Beihu"), ("江口", "Jiangkou"),
))  # fmt: skip


def arterial_stems(count: int) -> tuple[Name, ...]:
    """The best known stems, for the main grid."""
    return STEMS[:count]


def collector_names(rng: np.random.Generator, skip: int) -> Iterator[Name]:
    """Names ending in 路 for medium roads, each once: stems, then numbered stems, then a numbered grid."""
    stems = STEMS[skip:]
    for place in rng.permutation(len(stems)):
        yield Name(stems[place].zh + "路", stems[place].en + " Road")
    pool = [Name(f"{stem.zh}{no.zh}路", f"{stem.en} {no.en} Road") for stem in stems for no in NUMERALS[:8]]
    for place in rng.permutation(len(pool)):
        yield pool[place]
    number = 1
    while True:
        for letter, en in (("经", "Longitude"), ("纬", "Latitude")):
            yield Name(f"{letter}{chinese(number)}路", f"{en} {number} Road")
        number += 1


def street_names(rng: np.random.Generator) -> Iterator[Name]:
    """Names of small streets, each once: 街, 巷, 里, and numbered streets of a stem."""
    pool = [Name(stem.zh + kind.zh, f"{stem.en} {kind.en}") for stem in STEMS for kind in SMALL]
    pool += [Name(f"{stem.zh}{no.zh}街", f"{stem.en} {no.en} Street") for stem in STEMS for no in NUMERALS]
    for place in rng.permutation(len(pool)):
        yield pool[place]
    number = 1
    while True:
        yield Name(f"{chinese(number)}号路", f"No. {number} Road")
        number += 1


def chinese(number: int) -> str:
    """A number from 1 to 999 in Chinese digits, as on street signs."""
    digits = "零一二三四五六七八九"
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    text = digits[hundreds] + "百" if hundreds else ""
    if tens:
        text += ("" if tens == 1 and not hundreds else digits[tens]) + "十"
    elif hundreds and ones:
        text += "零"
    return text + (digits[ones] if ones else "")
