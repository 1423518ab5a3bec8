"""Two machines joined by two networks, in network namespaces of this one: cables that can really be pulled.

`camera` and `service` are the machines; the networks are red (10.77.1.0/24) and blue (10.77.2.0/24).
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading

_CLONE_NEWNET = 0x40000000
NETWORKS = {"red": 1, "blue": 2}


def address(machine, network):
    """Of a machine's interface."""
    return f"10.77.{NETWORKS[network]}.{1 if machine == 'camera' else 2}"


def run(*command):
    subprocess.run(command, check=True, capture_output=True, timeout=10)


class Plant:
    """Made on entry, gone on exit with everything in it."""

    def __init__(self):
        self._names = {machine: f"relip-{os.getpid()}-{machine}" for machine in ("camera", "service")}

    def __enter__(self):
        for name in self._names.values():
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        for network in NETWORKS:
            self.lay(network)
        return self

    def __exit__(self, *_):
        for name in self._names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True, timeout=10)

    def lay(self, network):
        """The cable between the two machines, and their addresses on it."""
        camera, service = self._names["camera"], self._names["service"]
        run("ip", "link", "add", network, "netns", camera, "type", "veth", "peer", "name", network, "netns", service)
        for machine, name in self._names.items():
            run("ip", "-n", name, "addr", "add", f"{address(machine, network)}/24", "dev", network)
            run("ip", "-n", name, "link", "set", network, "up")

    def pull(self, network, machine="service"):
        """Take an interface down."""
        run("ip", "-n", self._names[machine], "link", "set", network, "down")

    def plug(self, network, machine="service"):
        """Take it up again."""
        run("ip", "-n", self._names[machine], "link", "set", network, "up")

    def remove(self, network):
        """Take both ends of a network out of their machines."""
        run("ip", "-n", self._names["camera"], "link", "del", network)

    def inside(self, machine, work):
        """Do something on a machine, and give what it gives: a socket that is opened there belongs there for good."""
        given = []

        def there():
            libc = ctypes.CDLL(None, use_errno=True)
            handle = os.open(f"/run/netns/{self._names[machine]}", os.O_RDONLY)
            try:
                assert libc.setns(handle, _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
                given.append(work())
            except BaseException as error:  # noqa: BLE001  it is raised again by who asked
                given.append(error)
            finally:
                os.close(handle)

        thread = threading.Thread(target=there)
        thread.start()
        thread.join()
        if isinstance(given[0], BaseException):
            raise given[0]
        return given[0]

    def on(self, machine, *command):
        """A command line that runs on a machine."""
        return ["ip", "netns", "exec", self._names[machine], *command]


def why_not():
    """Why this machine cannot have such a plant; empty when it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        with Plant():
            return ""
    except FileNotFoundError:
        return "network namespaces need the ip command (package iproute2)"
    except subprocess.CalledProcessError as error:
        return f"no network namespaces here: {error.stderr.decode().strip()}"
