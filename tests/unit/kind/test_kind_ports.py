"""The ports of kind-config.yaml hold everywhere, and one that is taken is told before a cluster."""

import socket

import pytest

from tests.unit.kind.kind_world import Machine
from tools.kind.ports import Port, reached


@pytest.mark.parametrize(
    ("written", "told"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]")]
)
def test_a_port_is_reached_where_it_listens(written: str, told: str) -> None:
    assert Port(30080, written, 8080).reached == f"{told}:8080"


def test_another_host_port_is_followed_by_all_that_this_machine_asks(machine: Machine) -> None:
    assert reached(30080) == f"127.0.0.1:{machine.ports[30080]}"
    code = (
        "from tools.kind import environment as found, gitea\n"
        "print(found.GATEWAY, found.OBJECT_STORE, gitea.URL)"
    )
    told = machine.python("-c", code).stdout.split()
    assert told == [f"http://127.0.0.1:{machine.ports[inside]}" for inside in (30080, 30070, 30030)]


def test_a_port_that_is_taken_is_told_before_a_cluster_is_made(machine: Machine) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", machine.ports[30080]))
        other.listen()
        done = machine.python("-m", "tools.kind", "up")
    assert done.returncode == 1
    assert done.stderr == (
        f"kind: cluster millrace: port {machine.ports[30080]} is taken; `millrace down` ends a "
        "platform of this machine, or choose another hostPort in kind-config.yaml\n"
    )
    assert not [line for line in machine.asked if line.startswith("kind create")]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("nodes: [{extraPortMappings: [{hostPort: 8080}]}]", "its port mappings cannot be read"),
        ("nodes: [{role: worker}]", "no port of this machine leads to 30030"),
    ],
)
def test_a_file_that_maps_no_port_is_told_in_one_line(
    machine: Machine, written: str, told: str
) -> None:
    machine.config.write_text(written)
    done = machine.python("-m", "tools.kind", "up")
    assert done.returncode == 1
    assert done.stderr.startswith(f"kind: kind-config.yaml: {told}; ")
    assert len(done.stderr.splitlines()) == 1
