"""Papers as a surveyor photographs them on a desk: licences, forms, lists. All are specimens."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from lab.signs import drawable, font, lay_on, words
from lab.texture import SIZE as TILE
from lab.texture import noise

INK, FAINT, PEN = (34, 34, 38), (120, 124, 130), (28, 40, 110)
SPECIMEN = ("样张", "SPECIMEN")


def desk(kind: str, seed: int, plate: str, vin: str, size: tuple[int, int]) -> Image.Image:
    """A paper of this kind lying on a surface, photographed at a slight angle."""
    rng = np.random.default_rng((seed, 101))
    page = PAGES.get(kind, _form)(rng, plate, vin)
    ground = _surface(size, rng)
    wide = size[0] * float(rng.uniform(0.70, 0.80))
    tall = wide * page.height / page.width
    if tall > size[1] * 0.86:
        wide, tall = wide * size[1] * 0.86 / tall, size[1] * 0.86
    turn = np.radians(float(rng.normal(0, 3.2)))
    corners = np.array(
        [(-wide / 2, -tall / 2), (wide / 2, -tall / 2), (wide / 2, tall / 2), (-wide / 2, tall / 2)]
    )
    corners = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners *= 1 + (corners[:, 1:2] / size[1]) * float(rng.uniform(0.05, 0.16))
    corners += np.array(size) / 2 + rng.normal(0, 10, (4, 2))
    shade = Image.new("L", (size[0] // 4, size[1] // 4), 0)
    ImageDraw.Draw(shade).polygon([tuple(p / 4 + 4) for p in corners], fill=150)
    shade = shade.filter(ImageFilter.GaussianBlur(5)).resize(size, Image.Resampling.BILINEAR)
    ground.paste((12, 11, 10), (0, 0), shade)
    lay_on(ground, page, corners.astype(np.float32))
    return lamp(ground, rng)


def _surface(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """A car bonnet, a wooden desk or a concrete floor."""
    bases = ((118, 84, 56), (70, 72, 76), (150, 148, 142))
    choice = int(rng.integers(3))
    tile = noise(1.6, 31, 14.0) if choice == 0 else noise((1.6, 0.6, 1.4)[choice], 32)
    shift = rng.integers(0, TILE, 2)
    patch = np.roll(tile, tuple(shift), (0, 1))[: TILE * 3 // 4]
    grey = np.clip(1 + 0.10 * patch, 0.5, 1.5)[..., None] * np.array(bases[choice])
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


def lamp(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Uneven light and the warm cast of indoor lamps."""
    x = np.linspace(-1, 1, 40) - float(rng.uniform(-0.5, 0.5))
    y = np.linspace(-1, 1, 30) - float(rng.uniform(-0.4, 0.4))
    fall = np.clip(1.06 - 0.22 * (x[None, :] ** 2 + y[:, None] ** 2), 0.5, 1.1) * 230
    mask = Image.fromarray(fall.astype(np.uint8)).resize(image.size, Image.Resampling.BICUBIC)
    dark = image.point([int(level * c) for c in (0.50, 0.47, 0.43) for level in range(256)])
    return Image.composite(image, dark, mask)


def _sheet(size: tuple[int, int], colour: tuple[int, int, int]) -> Image.Image:
    """Paper with a little fibre."""
    tile = noise(0.6, 33)
    fibre = np.tile(tile, (size[1] // TILE + 1, size[0] // TILE + 1))[: size[1], : size[0]]
    return Image.fromarray(np.clip(np.array(colour) + fibre[..., None] * 2.2, 0, 255).astype(np.uint8))


def _specimen(page: Image.Image) -> None:
    """SPECIMEN across the page: nobody may take it for a real paper."""
    face = font(page.height // 5)
    text = words(*SPECIMEN)
    box = face.getbbox(text)
    layer = Image.new("L", (int(box[2]) + 20, int(box[3]) + 20), 0)
    ImageDraw.Draw(layer).text((10, 10), text, font=face, fill=70)
    layer = layer.rotate(18, expand=True)
    page.paste((200, 40, 40), ((page.width - layer.width) // 2, (page.height - layer.height) // 2), layer)


def _seal(page: Image.Image, centre: tuple[int, int], radius: int) -> None:
    """A round stamp that only says it is for demonstration."""
    layer = Image.new("L", (2 * radius, 2 * radius), 0)
    draw = ImageDraw.Draw(layer)
    draw.ellipse([3, 3, 2 * radius - 4, 2 * radius - 4], outline=190, width=max(3, radius // 16))
    face = font(radius // 3)
    text = words("演示专用", "DEMO")
    draw.text((radius, radius), text, font=face, fill=190, anchor="mm")
    page.paste((206, 44, 44), (centre[0] - radius, centre[1] - radius), layer.rotate(-8))


def _vehicle_licence(rng: np.random.Generator, plate: str, vin: str) -> Image.Image:
    """The main page of a vehicle licence."""
    page = _sheet((1040, 720), (232, 238, 230))
    draw = ImageDraw.Draw(page)
    for i in range(0, 1040, 26):
        draw.arc([i - 220, -80, i + 260, 800], 60, 120, fill=(206, 220, 212), width=2)
    draw.text(
        (520, 62),
        words("机动车行驶证（样张）", "VEHICLE LICENCE (SPECIMEN)"),
        font=font(46),
        fill=(40, 60, 66),
        anchor="mm",
    )
    lines = (
        (words("号牌号码", "Plate"), drawable(plate) or "DEMO"), (words("车辆类型", "Type"), words("小型轿车", "Passenger car")),
        (words("所有人", "Owner"), words("演示用户", "Demo user")),
        (words("住址", "Address"), words("演示城市建设路128号", "128 Jianshe Road, Demo City")),
        (words("车辆识别代号", "VIN"), vin or "LDXDEM00000000000"),
        (words("发动机号码", "Engine"), f"DEMO{int(rng.integers(10**6)):06d}"),
        (words("注册日期", "Registered"), f"20{rng.integers(15, 26)}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"),
    )  # fmt: skip
    rows(draw, lines, (60, 128), 76, 250, 980)
    _seal(page, (880, 590), 92)
    _specimen(page)
    return page


def _driving_licence(rng: np.random.Generator, plate: str, vin: str) -> Image.Image:
    """The main page of a driving licence, without a face."""
    page = _sheet((1040, 720), (236, 233, 238))
    draw = ImageDraw.Draw(page)
    for i in range(0, 720, 24):
        draw.line([(0, i), (1040, i + 40)], fill=(222, 216, 228), width=2)
    draw.text(
        (520, 62),
        words("机动车驾驶证（样张）", "DRIVING LICENCE (SPECIMEN)"),
        font=font(46),
        fill=(60, 44, 70),
        anchor="mm",
    )
    lines = (
        (words("证号", "Number"), f"DEMO {int(rng.integers(10**9)):09d}"),
        (words("姓名", "Name"), words("演示用户", "Demo user")),
        (words("国籍", "Nationality"), "—"), (words("住址", "Address"), words("演示城市", "Demo City")),
        (words("准驾车型", "Class"), "C1"), (words("有效期限", "Valid"), words("长期", "no end")),
    )  # fmt: skip
    rows(draw, lines, (60, 140), 86, 210, 700)
    draw.rectangle([770, 190, 980, 460], fill=(206, 214, 222), outline=FAINT, width=2)
    draw.ellipse([832, 236, 918, 334], fill=(168, 176, 184))
    draw.pieslice([796, 342, 954, 560], 180, 360, fill=(168, 176, 184))
    draw.rectangle([770, 461, 980, 562], fill=(236, 233, 238))
    _seal(page, (860, 600), 84)
    _specimen(page)
    return page


def rows(
    draw: ImageDraw.ImageDraw,
    lines: tuple[tuple[str, str], ...],
    at: tuple[int, int],
    step: int,
    indent: int,
    right: int,
) -> None:
    """Labelled lines of a form."""
    for number, (label, value) in enumerate(lines):
        y = at[1] + number * step
        draw.text((at[0], y + 10), label, font=font(26, "Regular"), fill=FAINT)
        draw.text((at[0] + indent, y), value, font=font(38), fill=INK)
        draw.line([(at[0], y + step - 14), (right, y + step - 14)], fill=(176, 182, 186), width=2)


def _form(rng: np.random.Generator, plate: str, vin: str) -> Image.Image:
    """A claim form or any other paper: a table filled in by hand."""
    page = _sheet((900, 1240), (245, 244, 238))
    draw = ImageDraw.Draw(page)
    title = (
        words("机动车辆保险索赔申请书（样张）", "MOTOR CLAIM FORM (SPECIMEN)")
        if plate
        else words("财产损失清单（样张）", "LIST OF LOSSES (SPECIMEN)")
    )
    _table(page, draw, rng, title, drawable(plate) or vin)
    _specimen(page)
    return page


def _police(rng: np.random.Generator, plate: str, vin: str) -> Image.Image:
    """A settlement paper after a minor accident."""
    page = _sheet((900, 1240), (248, 246, 242))
    _table(
        page,
        ImageDraw.Draw(page),
        rng,
        words("道路交通事故快速处理协议书（样张）", "MINOR ACCIDENT SETTLEMENT (SPECIMEN)"),
        drawable(plate) or vin,
    )
    _seal(page, (700, 1090), 96)
    _specimen(page)
    return page


def _table(
    page: Image.Image, draw: ImageDraw.ImageDraw, rng: np.random.Generator, title: str, first: str
) -> None:
    """Title, ruled table, printed labels, and handwriting that nobody can read."""
    draw.text((450, 78), title, font=font(34), fill=INK, anchor="mm")
    labels = tuple(words(zh, en) for zh, en in (
        ("编号", "No."), ("标的", "Object"), ("时间", "Time"), ("地点", "Place"),
        ("原因", "Cause"), ("经过", "Story"), ("损失", "Loss"), ("备注", "Note"),
    ))  # fmt: skip
    y = 140
    for number, label in enumerate(labels):
        tall = 190 if number in (5, 6) else 92
        draw.rectangle([50, y, 850, y + tall], outline=(90, 92, 98), width=2)
        draw.line([(190, y), (190, y + tall)], fill=(90, 92, 98), width=2)
        draw.text((120, y + tall / 2), label, font=font(28, "Regular"), fill=INK, anchor="mm")
        if number == 1 and first:
            draw.text((214, y + 26), first, font=font(34), fill=PEN)
        else:
            for line in range(1 + (tall > 100) * 2):
                _scrawl(draw, 214, y + 48 + line * 54, int(rng.uniform(260, 600)), rng)
        y += tall
    _scrawl(draw, 560, y + 70, 180, rng)


def _scrawl(draw: ImageDraw.ImageDraw, x: int, y: int, length: int, rng: np.random.Generator) -> None:
    """Handwriting: short strokes in groups, as characters are."""
    at = float(x)
    while at < x + length:
        for _ in range(int(rng.integers(4, 8))):
            px, py = at + rng.uniform(0, 22), y + rng.uniform(-14, 14)
            turn = float(rng.choice([0.05, 1.5, 0.9, -0.8])) + float(rng.normal(0, 0.15))
            reach = float(rng.uniform(7, 20))
            draw.line([(px, py), (px + reach * np.cos(turn), py - reach * np.sin(turn))], fill=PEN, width=3)
        at += float(rng.uniform(27, 33))


PAGES: dict[str, Callable[[np.random.Generator, str, str], Image.Image]] = {
    "licence_vehicle": _vehicle_licence, "licence_driver": _driving_licence, "police_paper": _police,
}  # fmt: skip
