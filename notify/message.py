"""Rendering: a template and its values become the one text a person reads. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from notify.templates import TEMPLATES

# A carrier charges by the piece: 70 characters for one, 67 each when there are more.
ONE_PIECE = 70
LONG_PIECE = 67
MAX_SMS = 500
MAX_VALUE = 24

# The platform sets the signature in 【】 itself and refuses these in a text.
REFUSED = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff【】¥★^&√]")
# A place typed by a caller could smuggle a link or a number into a text the insurer signs.
LINK = re.compile(
    r"(?:https?://|www\.)[!-~]*|(?:[a-z0-9-]+\.)+(?:com|cn|net|org|io|cc|top|xyz|vip|info|biz)\b[!-~]*",
    re.IGNORECASE,
)
NUMBER = re.compile(r"\+?\d(?:[ -]?\d){6,}")

COMPOUND = (
    "欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 慕容 令狐 司徒 夏侯 端木 南宫 独孤 长孙 宇文 轩辕 百里 呼延"
)
COMPOUND_SURNAMES = frozenset(COMPOUND.split())


@dataclass(frozen=True)
class Letter:
    """A message as a driver gets it. `message_id` is the provider's idempotency id: the same on every try."""

    message_id: int
    channel: str
    address: str
    template: str
    values: Mapping[str, Any]
    title: str
    text: str
    lang: str
    signature: str


def clean(value: object, longest: int = MAX_VALUE) -> str:
    """A value fit for a carrier: no controls, link, phone number or signature marks; short, never empty."""
    words = LINK.sub("", REFUSED.sub("", str(value)))
    words = NUMBER.sub("", words).strip()
    if len(words) > longest:
        words = words[: longest - 1] + "…"
    return words or "-"


def render(code: str, values: Mapping[str, object], lang: str, *, base: str) -> str:
    """The text without signature. Raises KeyError for a missing value: carriers refuse unfilled variables."""
    return TEMPLATES[code].text(lang).format(**_filled(values), base=base.rstrip("/"))


def title(code: str, values: Mapping[str, object], lang: str) -> str:
    """The headline of a mail or chat message; none for a text an older version wrote and we no longer know."""
    return "" if code not in TEMPLATES else TEMPLATES[code].title(lang).format(**_filled(values))


def sms(code: str, values: Mapping[str, object], lang: str, *, base: str, signature: str) -> str:
    """The text with its signature as the phone shows it, at most 500 characters."""
    return f"【{signature}】{render(code, values, lang, base=base)}"[:MAX_SMS]


def _filled(values: Mapping[str, object]) -> dict[str, str]:
    # Our own numbers and codes are not cleaned: a report number looks like a phone number.
    return {name: str(value) if name in OURS else clean(value) for name, value in values.items()}


OURS = frozenset({"report_no", "slug", "minutes", "seconds", "km"})


def pieces(text: str) -> int:
    """How many messages a carrier charges for `text`."""
    return 1 if len(text) <= ONE_PIECE else -(-len(text) // LONG_PIECE)


def courtesy_name(name: str, lang: str = "zh-CN") -> str:
    """What a customer learns of a surveyor's name: 张师傅, in English the surname only."""
    name = name.strip()
    if not name:
        return "surveyor" if lang == "en" else "查勘员"
    letters = 2 if len(name) > 2 and name[:2] in COMPOUND_SURNAMES else 1
    surname = name.split()[0] if name.isascii() else name[:letters]
    return surname if lang == "en" else f"{surname}师傅"


def masked(address: str) -> str:
    """An address as lists and logs may show it: 138****1234, li***@example.com; other words stay."""
    if "://" in address:
        scheme, _, rest = address.partition("://")
        return f"{scheme}://{rest.split('/')[0].split('?')[0]}/…"
    local, at, domain = address.partition("@")
    if at:
        return f"{local[:2]}***@{domain}"
    digits = re.sub(r"\D", "", address)
    if len(digits) >= 7 and re.fullmatch(r"[+\d ()-]+", address):
        national = digits[2:] if address.startswith("+86") else digits
        return f"{national[:3]}****{national[-4:]}"
    return address
