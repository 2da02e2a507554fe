"""What the person at the terminal reads once it runs."""

from typing import TYPE_CHECKING, Any

from launch import roads
from launch.addresses import is_loopback
from launch.places import Places, read_json, write_json

if TYPE_CHECKING:
    from launch.up import Options

PAGES = (
    ("Sign in 登录", "/"),
    ("Desk 调度台", "/desk"),
    ("Phone 查勘端", "/phone"),
    ("Review 定损", "/review"),
    ("API", "/api/docs"),
)


def say(text: str) -> None:
    """Prints a line at once."""
    print(text, flush=True)


def show(places: Places, url: str, options: "Options", took_s: float, *, building: bool = False) -> None:
    """One short table of addresses and sign-ins; the ready line comes last."""
    rows = [f"Chakan 查勘{' · 演示 demonstration' if options.demo else ''} ({took_s:.1f} s)", ""]
    rows += [f"  {_padded(name, 16)} {url}{path}" for name, path in PAGES]
    rows += ["", *_sign_ins(places, options.demo), ""]
    graph = "being built; straight lines until then" if building else roads.said(roads.in_force(places.data))
    rows.append(f"  {_padded('Roads 路网', 16)} {graph}")
    rows.append(f"  Data {places.data} · logs {places.log}")
    if not is_loopback(options.host):
        rows.append("  Other machines can reach this unencrypted: put TLS in front (deploy/nginx.conf).")
    rows.append(f"Ready: {url} — Ctrl-C stops everything")
    say("\n".join(rows))


def _sign_ins(places: Places, demo: bool) -> list[str]:
    if demo:
        users: dict[str, Any] = read_json(places.demo).get("users", {})
        rows = [
            f"  {_padded(role, 16)} {user.get('username')} / {user.get('password')}"
            for role, user in users.items()
        ]
        return [*rows, f"  Phones and tokens: {places.demo}"]
    if places.first_sign_in.exists():
        lines = places.first_sign_in.read_text(encoding="utf-8").splitlines()
        name, password = (line.partition(": ")[2] for line in lines[:2])
        return [
            f"  {_padded('admin', 16)} {name} / {password}",
            f"  (from {places.first_sign_in}: change it, then delete that file)",
        ]
    return []


def _padded(text: str, cells: int) -> str:
    """Pads to a width on the terminal, where a Chinese character takes two cells."""
    return text + " " * max(0, cells - sum(2 if ord(letter) > 0x2E80 else 1 for letter in text))


def move_demo(places: Places, url: str) -> None:
    """Writes the address of this start into demo.json: `--port 0` serves elsewhere every time."""
    demo = read_json(places.demo)
    if demo and demo.get("url") != url:
        write_json(places.demo, demo | {"url": url})
