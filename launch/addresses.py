"""Ports and addresses: what to bind, what to knock at, what to tell people."""

import errno
import os
import socket

from launch.errors import CannotStart
from launch.redis import free_port

EVERYWHERE = {"0.0.0.0": socket.AF_INET, "::": socket.AF_INET6}  # noqa: S104  only named here


def choose_port(host: str, port: int) -> int:
    """The port to serve on; 0 picks a free one. Raises CannotStart when it cannot be had."""
    if not 0 <= port <= 65535:
        raise CannotStart(f"{port} is not a port; give a number from 0 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(20):
        wanted = port or free_port()
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, wanted))
                return wanted
            except socket.gaierror as error:
                raise CannotStart(
                    f"{host} is not an address of this machine; --host takes an IP address"
                ) from error
            except OSError as error:
                if error.errno == errno.EADDRINUSE and not port:
                    continue
                raise CannotStart(_why_not(host, wanted, error)) from error
    raise CannotStart(f"No free port was found on {host}")


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program. Choose another with --port N, or --port 0 for a free one."
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved for root. Choose one from 1024 up with --port N."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine."
    return f"Port {port} on {host} cannot be used: {error.strerror}"


def knock_host(host: str) -> str:
    """Where to reach from here what is bound to `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compared, not bound


def knock_url(host: str, port: int) -> str:
    """The address by which our own processes reach each other."""
    shown = knock_host(host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def public_url(host: str, port: int) -> str:
    """The address to tell people: CHAKAN_PUBLIC_URL when it is set, else what `--host` means."""
    if given := os.environ.get("CHAKAN_PUBLIC_URL"):
        return given.rstrip("/")
    shown = _own_address(EVERYWHERE[host]) if host in EVERYWHERE else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _own_address(family: socket.AddressFamily) -> str:
    """This machine's address towards the outside. Connecting a datagram socket sends nothing."""
    outside = "192.0.2.1" if family == socket.AF_INET else "2001:db8::1"
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((outside, 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1" if family == socket.AF_INET else "::1"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    return host in ("localhost", "::1") or host.startswith("127.")
