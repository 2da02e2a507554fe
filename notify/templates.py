"""Every text Chakan sends, as a carrier registers it: a code, fixed words, few short variables, zh and en.

Carriers refuse links and phone numbers as variables, so `{base}` (the public address) is filled in once,
before a text is filed with them, and only the code behind `/t/` varies. See docs/messages.md.
"""

from dataclasses import dataclass
from string import Formatter

LANGS = ("zh-CN", "en")


@dataclass(frozen=True)
class Template:
    """One text. `title` is the subject of a mail and the headline of a chat message; SMS has none."""

    code: str
    zh: str
    en: str
    title_zh: str = ""
    title_en: str = ""

    def text(self, lang: str) -> str:
        """The words in `lang`; Chinese for any language but English."""
        return self.en if lang == "en" else self.zh

    def title(self, lang: str) -> str:
        """The headline in `lang`."""
        return self.title_en if lang == "en" else self.title_zh

    def variables(self, lang: str) -> set[str]:
        """The names between braces."""
        return {name for _, name, _, _ in Formatter().parse(self.text(lang)) if name is not None}


_CUSTOMER = [
    Template(
        "report_taken",
        "您的报案{report_no}已受理，正在为您安排查勘员，请保持电话畅通。进度查询 {base}/t/{slug}",
        "We have your report {report_no} and are finding a surveyor. Please keep your phone at "
        "hand. {base}/t/{slug}",
    ),
    # In a catastrophe the wait is long: it is named, and the customer can help himself meanwhile.
    Template(
        "report_taken_catastrophe",
        "您的报案{report_no}已受理。因{event}报案集中，查勘员将在{minutes}分钟内与您联系并约定查勘时间，敬请谅解。"
        "请在安全的前提下先拍摄现场和受损部位，从这里上传，可加快处理 {base}/t/{slug}",
        "We have your report {report_no}. Because of {event} many people need us: a surveyor will call "
        "within {minutes} min and agree a time with you. If it is safe, photograph the scene and the "
        "damage and send the photos here, it speeds things up: {base}/t/{slug}",
    ),
    Template(
        "surveyor_assigned",
        "报案{report_no}：{surveyor}将为您查勘，{minutes}分钟内与您电话联系。查看进度 {base}/t/{slug}",
        "Report {report_no}: surveyor {surveyor} will call you within {minutes} min. Follow it: "
        "{base}/t/{slug}",
    ),
    Template(
        "surveyor_assigned_soon",
        "报案{report_no}：{surveyor}将为您查勘，会尽快与您电话联系。查看进度 {base}/t/{slug}",
        "Report {report_no}: surveyor {surveyor} will call you as soon as possible. Follow it: "
        "{base}/t/{slug}",
    ),
    Template(
        "on_the_way",
        "报案{report_no}：{surveyor}已出发前往现场，预计{minutes}分钟到达。查看位置 {base}/t/{slug}",
        "Report {report_no}: surveyor {surveyor} is on the way, about {minutes} min. See where: "
        "{base}/t/{slug}",
    ),
    Template(
        "on_the_way_no_eta",
        "报案{report_no}：{surveyor}已出发前往现场。查看位置 {base}/t/{slug}",
        "Report {report_no}: surveyor {surveyor} is on the way. See where: {base}/t/{slug}",
    ),
    Template(
        "survey_done",
        "报案{report_no}现场查勘已完成，正在定损。欢迎评价本次服务 {base}/t/{slug}",
        "Report {report_no}: the survey is done, the damage is being assessed. Please rate us: "
        "{base}/t/{slug}",
    ),
    Template(
        "settled",
        "报案{report_no}已审核完成，后续赔付事宜我们会尽快与您联系。查看详情 {base}/t/{slug}",
        "Report {report_no} has been approved; we will contact you about the payment. Details: "
        "{base}/t/{slug}",
    ),
]

_SURVEYOR = [
    Template(
        "offer_made",
        "新派单{report_no}，地点{place}，距您约{km}公里，请在{seconds}秒内打开查勘端接单。",
        "New offer {report_no} at {place}, about {km} km away. Open the app and answer within {seconds} s.",
    ),
    Template(
        "assigned_by_hand",
        "调度台已将报案{report_no}派给您，地点{place}，请立即联系客户。",
        "The desk has assigned report {report_no} to you, at {place}. Please call the customer now.",
    ),
    Template(
        "clock_warning",
        "报案{report_no}的{clock}时限还剩{minutes}分钟，请尽快处理。",
        "Report {report_no}: the {clock} limit ends in {minutes} min. Please act now.",
    ),
    Template(
        "photo_sent_back",
        "报案{report_no}有照片需要补拍，原因：{reason}。请打开查勘端查看。",
        "Report {report_no}: a photo has to be taken again, reason: {reason}. Please open the app.",
    ),
    Template(
        "move_up_asked",
        "调度台请您到{place}附近待命，车程约{minutes}分钟，请打开查勘端回复。",
        "The desk asks you to wait near {place}, about {minutes} min away. Please answer in the app.",
    ),
    Template(
        "task_reassigned",
        "报案{report_no}已改派其他查勘员，无需再前往现场。",
        "Report {report_no} has been given to another surveyor, there is no need to go.",
    ),
    Template(
        "task_cancelled",
        "报案{report_no}的查勘任务已取消，无需再前往现场。",
        "Report {report_no}: the survey has been cancelled, there is no need to go.",
    ),
]

_DESK = [
    Template(
        "desk_clock_warning",
        "报案{report_no}的{clock}时限还剩{minutes}分钟。地点：{place}。查勘员：{surveyor}。{base}/desk",
        "Report {report_no}: the {clock} limit ends in {minutes} min. Place: {place}. Surveyor: "
        "{surveyor}. {base}/desk",
        "时限预警 {report_no}",
        "Limit ahead {report_no}",
    ),
    Template(
        "desk_clock_breached",
        "报案{report_no}的{clock}已超时。地点：{place}。查勘员：{surveyor}。请立即处理 {base}/desk",
        "Report {report_no}: the {clock} limit is broken. Place: {place}. Surveyor: {surveyor}. {base}/desk",
        "已超时 {report_no}",
        "Limit broken {report_no}",
    ),
    Template(
        "head_clock_breached",
        "报案{report_no}的{clock}已超时{minutes}分钟仍未完成，请督办。{base}/desk",
        "Report {report_no}: the {clock} limit was broken {minutes} min ago and is still open. {base}/desk",
        "超时督办 {report_no}",
        "Escalation {report_no}",
    ),
    Template(
        "task_unassigned",
        "报案{report_no}需要人工调度，原因：{reason}。地点：{place}。{base}/desk",
        "Report {report_no} needs a dispatcher, reason: {reason}. Place: {place}. {base}/desk",
        "待人工调度 {report_no}",
        "Needs a dispatcher {report_no}",
    ),
]

TEMPLATES = {template.code: template for template in [*_CUSTOMER, *_SURVEYOR, *_DESK]}

# Words for codes that come up in texts: (Chinese, English).
CLOCKS = {
    "dispatch": ("派单", "dispatch"),
    "contact": ("联系客户", "customer contact"),
    "arrival": ("到达现场", "arrival"),
    "assessment": ("定损", "assessment"),
}
UNASSIGNED = {
    "no_position": ("没有定位", "no position"),
    "nobody_on_duty": ("无人在岗", "nobody on duty"),
    "nobody_in_reach": ("附近无可派人员", "nobody in reach"),
    "rounds_used": ("多轮派单无人接单", "offers went unanswered"),
}
SENT_BACK = {
    "blurred": ("模糊", "blurred"),
    "dark": ("过暗", "too dark"),
    "wrong_shot": ("拍摄项不符", "wrong shot"),
    "plate_unreadable": ("车牌不清", "plate unreadable"),
    "vin_unreadable": ("车架号不清", "VIN unreadable"),
    "too_far": ("距离过远", "too far away"),
    "too_close": ("距离过近", "too close"),
    "not_this_claim": ("非本案照片", "not this claim"),
    "missing_shot": ("缺少拍摄项", "a shot is missing"),
    "other": ("其他", "other"),
}


def word(words: dict[str, tuple[str, str]], code: str | None, lang: str) -> str:
    """The word for a code in `lang`; the code itself when nobody has translated it yet."""
    zh, en = words.get(code or "other", (code or "其他", code or "other"))
    return en if lang == "en" else zh
