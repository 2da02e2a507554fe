"""A 12-megapixel photo becomes what people look at: three sizes, JPEG quality 80, upright, on every core.

Ours is the very code of the photo worker (`media.images`); beside it libvips (when installed) and Pillow used without
care: three full decodes, turned before shrunk. Rounds are interleaved, the ratio is the median of the rounds. The
second figure is the whole worker's job: a child process a photo with limits, two sizes, EXIF, perceptual hash.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from media import images
from media.sandbox import Decoder

EDGES = (1600, 800, 200)
GOAL_PER_S, GOAL_RATIO = 8.0, 0.9
CORES = os.cpu_count() or 1


def main(quick: bool) -> dict[str, Any]:
    """Measures all; `quick` ends within 50 s."""
    rounds, each = (3, 6) if quick else (7, 16)
    with tempfile.TemporaryDirectory(prefix="chakan-photos-") as folder:
        photo = Path(folder) / "photo.jpg"
        megabytes = picture(photo)
        ways: dict[str, Callable[[str], None]] = {"ours": ours, "careless": careless}
        if find_spec("pyvips") is not None:
            ways["pyvips"] = with_vips
        speeds: dict[str, list[float]] = {name: [] for name in ways}
        with ProcessPoolExecutor(CORES) as pool:
            for way in ways.values():
                list(pool.map(way, [str(photo)] * CORES))  # warm up: imports
            for _ in range(rounds):
                for name, way in ways.items():
                    count = each if name != "careless" else max(2, each // 3)
                    began = time.perf_counter()
                    list(pool.map(way, [str(photo)] * count))
                    speeds[name].append(count / (time.perf_counter() - began))
        job_s = whole_job(photo, Path(folder), each)
    print(f"photo: 4000 × 3000, {megabytes:.1f} MB, EXIF orientation 6; {CORES} processes")
    return {"figures": figures(speeds, job_s)}


def figures(speeds: dict[str, list[float]], job_s: float) -> list[dict[str, Any]]:
    """Photos a second of each way, ratios, and the job."""
    ours_per_s = statistics.median(speeds["ours"])
    shown = [
        {
            "metric": "12 MP to three sizes, all cores", "unit": "/s", "ours": round(ours_per_s, 1), "peer": None,
            "peer_name": "goal", "ratio": None, "goal": GOAL_PER_S, "holds": ours_per_s >= GOAL_PER_S,
        }
    ]  # fmt: skip
    for name, goal in (("pyvips", GOAL_RATIO), ("careless", 2.0)):
        if name not in speeds:
            continue
        ratio = statistics.median(a / b for a, b in zip(speeds["ours"], speeds[name], strict=True))
        shown.append(
            {
                "metric": f"… beside {name}", "unit": "×", "ours": round(ratio, 2), "peer": 1.0, "peer_name": name,
                "ratio": round(ratio, 2), "goal": goal, "holds": ratio >= goal,
            }
        )  # fmt: skip
    shown.append(
        {
            "metric": "worker's whole job, one at a time", "unit": "ms", "ours": round(job_s * 1000, 1), "peer": None,
            "peer_name": "none", "ratio": None, "goal": None, "holds": None,
        }
    )  # fmt: skip
    return shown


def picture(path: Path) -> float:
    """A believable 12 MP photo: coarse forms, fine grain, orientation 6. Returns its megabytes."""
    rng = np.random.default_rng(1)
    coarse = Image.fromarray(rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)).resize(
        (4000, 3000), Image.Resampling.BICUBIC
    )
    grain = rng.normal(0, 9, (3000, 4000, 1))
    pixels = np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)
    tags = Image.Exif()
    tags[0x0112] = 6
    tags[0x0132] = datetime(2026, 11, 22, 8, tzinfo=UTC).strftime("%Y:%m:%d %H:%M:%S")
    Image.fromarray(pixels).save(path, "JPEG", quality=90, exif=tags)
    return path.stat().st_size / 1e6


def ours(path: str) -> None:
    """As the photo worker does it: decode once at reduced scale, shrink, then turn, each size from the last."""
    with Image.open(path, formats=images.READABLE) as photo:
        turned = photo.getexif().get(0x0112, 1)
        small = images.upright(images.shrink(photo, EDGES[0]), turned)
        for edge in EDGES:
            small = images.shrink(small, edge)
            small.save(BytesIO(), "JPEG", quality=images.QUALITY)


def careless(path: str) -> None:
    """As the manual's first page would do it, once a size."""
    for edge in EDGES:
        with Image.open(path) as photo:
            turned = ImageOps.exif_transpose(photo).convert("RGB")
            size = images.fit(*turned.size, edge)
            turned.resize(size, Image.Resampling.BICUBIC).save(BytesIO(), "JPEG", quality=images.QUALITY)


def with_vips(path: str) -> None:
    """libvips at its best: shrink on load, each size from the last."""
    import pyvips  # type: ignore[import-not-found]

    small = pyvips.Image.thumbnail(path, EDGES[0], height=EDGES[0]).copy_memory()
    for edge in EDGES:
        small = small.thumbnail_image(edge, height=edge) if edge != EDGES[0] else small
        small.jpegsave_buffer(Q=images.QUALITY, strip=True)


def whole_job(path: Path, folder: Path, count: int) -> float:
    """Seconds a photo takes through the limited child, as the worker runs it."""
    decoder = Decoder()
    try:
        decoder.make(path, folder)
        began = time.perf_counter()
        for _ in range(count):
            answer = decoder.make(path, folder)
            if "ok" not in answer:
                raise RuntimeError(f"the decoder refused the photo: {answer}")
        return (time.perf_counter() - began) / count
    finally:
        decoder.close()
