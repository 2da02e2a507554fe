"""What a caller says, made comparable. Oddities are marked, never a reason to turn a report away."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

import phonenumbers

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_P, _L, _D = f"[{PROVINCES}]", "[A-HJ-NP-Z]", "[A-HJ-NP-Z0-9]"
# Ordinary, new energy small and large (GA 36-2018: D A B C E pure electric, F G H J K other), then embassy, consulate,
# military, armed police, temporary, emergency. Eight places always mean new energy; anything else of that length is a slip.
PLATES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_P}{_L}{_D}{{4}}[A-HJ-NP-Z0-9挂学警港澳]",
        rf"{_P}{_L}[A-HJK]{_D}[0-9]{{4}}",
        rf"{_P}{_L}[0-9]{{5}}[A-HJK]",
        r"使[0-9]{6}|[0-9]{6}使",
        rf"(?:{_P}{_L})?[0-9]{{4,6}}领",
        r"[A-Z]{2}[0-9]{5}",
        rf"WJ{_P}?[0-9A-Z]{{5}}",
        rf"临{_P}{_L}?[0-9A-Z]{{4,6}}|{_P}{_L}?[0-9A-Z]{{4,6}}临",
        rf"{_P}{_L}?[SX][0-9]{{4,5}}应急",
    )
)
VIN_LETTERS = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
VIN_VALUES = dict(
    zip(VIN_LETTERS, [*range(10), *range(1, 9), *range(1, 6), 7, 9, *range(2, 10)], strict=True)
)
VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
MOBILE = re.compile(r"(?:\+?86|0086)?(1[3-9][0-9]{9})")
MAX_AHEAD = timedelta(seconds=60)


@dataclass(frozen=True)
class Read:
    """A value as shown, its form for comparing, and what is odd about it."""

    shown: str
    key: str
    marks: tuple[str, ...] = ()


def clean(text: str) -> str:
    """The text without control and direction characters (they forge what a screen shows), ends trimmed."""
    kept = (
        c
        for c in unicodedata.normalize("NFC", text)
        if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs")
    )
    return "".join(kept).strip()


def plate(typed: str) -> Read:
    """A number plate: upper case, half width, no spaces or dots. Marks: `odd_plate`."""
    shown = unicodedata.normalize("NFKC", clean(typed)).upper()
    key = re.sub(r"[\s.\-_·•・‧∙]", "", shown)
    return Read(key or shown, key, () if known_plate(key) else ("odd_plate",))


def known_plate(key: str) -> bool:
    """Whether the plate follows a pattern in use."""
    return any(pattern.fullmatch(key) for pattern in PLATES)


def vin(typed: str) -> Read:
    """A vehicle identification number. Marks: `odd_vin` (form), `vin_check` (check digit; many imports ignore it)."""
    key = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", clean(typed)).upper())
    if len(key) != 17 or any(c not in VIN_VALUES for c in key):
        return Read(key, key, ("odd_vin",))
    rest = sum(VIN_VALUES[c] * weight for c, weight in zip(key, VIN_WEIGHTS, strict=True)) % 11
    return Read(key, key, () if key[8] == "0123456789X"[rest] else ("vin_check",))


def phone(typed: str) -> Read:
    """A telephone number: E.164 when it can be one, else its digits with `odd_phone`. Empty key: no digits at all."""
    text = unicodedata.normalize("NFKC", clean(typed))
    digits = re.sub(r"\D", "", text)
    bare = re.sub(r"[\s\-().]", "", text)
    mobile = MOBILE.fullmatch(bare)
    if mobile:
        return Read(text, "+86" + mobile.group(1))
    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException:
        return Read(text, digits, ("odd_phone",))
    if not phonenumbers.is_possible_number(number):
        return Read(text, digits, ("odd_phone",))
    odd = () if phonenumbers.is_valid_number(number) else ("odd_phone",)
    return Read(text, phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), odd)


def time_marks(
    reported_at: datetime, call_ended_at: datetime | None, loss_at: datetime | None, late_after: timedelta
) -> list[str]:
    """What is odd about the times: `late_report`, `call_times_odd`."""
    marks = []
    if loss_at is not None and reported_at - loss_at > late_after:
        marks.append("late_report")
    if call_ended_at is not None and call_ended_at < reported_at:
        marks.append("call_times_odd")
    return marks


def ahead(at: datetime | None, now: datetime) -> bool:
    """Whether a time lies further in the future than clocks may differ."""
    return at is not None and at - now > MAX_AHEAD


def masked_plate(shown: str | None) -> str | None:
    """京A·**345: province, letter and the last three places, for cards and lists."""
    if not shown:
        return shown
    return shown[:2] + "·" + "*" * (len(shown) - 5) + shown[-3:] if len(shown) >= 6 else "***"
