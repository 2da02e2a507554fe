"""Ports and addresses: a plain message for each thing that can be wrong."""

import socket

import pytest

from launch import addresses
from launch.errors import CannotStart


def test_a_taken_port_is_said_with_the_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CannotStart, match=f"Port {port} on 127.0.0.1 is taken .*--port 0"):
            addresses.choose_port("127.0.0.1", port)


def test_port_0_is_a_free_port_each_time() -> None:
    found = {addresses.choose_port("127.0.0.1", 0) for _ in range(20)}
    assert len(found) > 10 and all(20_000 <= port < 32_000 for port in found)


def test_a_port_that_was_just_in_use_can_be_used_again() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as caller:
            accepted, _ = server.accept()
            accepted.close()
            caller.recv(1)
    assert addresses.choose_port("127.0.0.1", port) == port


@pytest.mark.parametrize(
    ("host", "port", "why"),
    [
        ("127.0.0.1", 70000, "not a port"),
        ("192.0.2.77", 8123, "not an address of this machine"),
        ("no.such.host.invalid", 8123, "not an address of this machine"),
    ],
)
def test_what_cannot_be_bound_is_explained(host: str, port: int, why: str) -> None:
    with pytest.raises(CannotStart, match=why):
        addresses.choose_port(host, port)


def test_people_are_told_an_address_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAKAN_PUBLIC_URL", raising=False)
    assert addresses.public_url("127.0.0.1", 8000) == "http://127.0.0.1:8000"
    assert addresses.public_url("::1", 8000) == "http://[::1]:8000"
    assert "0.0.0.0" not in addresses.public_url("0.0.0.0", 8000)
    monkeypatch.setenv("CHAKAN_PUBLIC_URL", "https://survey.example/")
    assert addresses.public_url("0.0.0.0", 8000) == "https://survey.example"


def test_only_loopback_counts_as_private() -> None:
    assert [
        host
        for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "10.1.2.3")
        if addresses.is_loopback(host)
    ] == [
        "127.0.0.1",
        "::1",
        "localhost",
    ]
