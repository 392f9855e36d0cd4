"""The add-on as the Supervisor runs it: the real Dockerfile, in a container that may do little.

Only the base image is a stand-in. The cloud, and the Supervisor with Core behind it, are neighbours
on a network that leads nowhere else. The container has a read-only root, no capability but those
that the AppArmor profile names, and 96 MB of memory.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.runner import IMPORTS
from rehearsal import containers
from rehearsal.containers import Container, podman
from simulator import CLIENT_ID
from standin.core import TOKEN as CORE_TOKEN

# The base may be made first, after waiting for another clone that makes it.
pytestmark = [pytest.mark.container, pytest.mark.timeout(400, func_only=True)]

VERSION = re.findall(
    r"^version: (.+)$", (containers.ADDON / "config.yaml").read_text(), re.MULTILINE
)[0]
# Those of the Supervisor's own network: its machine, itself, and what is left for add-ons.
SUBNET, SUPERVISOR, CLOUD, ADD_ON = (
    "172.30.32.0/23",
    "172.30.32.2",
    "172.30.33.10",
    "172.30.33.20",
)
CREDENTIAL = "s3cret+/=&% \u00e4"
SUPERVISOR_TOKEN = "token-of-the-supervisor"
MEMORY_MB = 96
# Of the simulator's three-phase system with a battery.
ENTITIES = 43
USER = 1000
PYTHON = "/opt/redback/bin/python"
PANEL = f"http://{ADD_ON}:8099"
# Prints, by its source, the flags of each module's bytecode, or that there is none.
COMPILED = """
import importlib.util, json, pathlib, struct
found = {}
for source in pathlib.Path("/opt/redback/lib").rglob("*.py"):
    made = pathlib.Path(importlib.util.cache_from_source(source))
    flags = struct.unpack_from("<I", made.read_bytes(), 4)[0] if made.exists() else None
    found[str(source)] = flags
print(json.dumps(found))
"""
# It is used without a look at its source, whose time changes when the image is packed.
UNCHECKED = 1
# Prints the kilobytes that an interpreter holds once it has all libraries of the service.
LIBRARIES = f"""
{IMPORTS}
with open("/proc/self/status") as lines:
    print(next(line.split()[1] for line in lines if line.startswith("VmRSS")))
"""
# What a container asks another one with; nothing else is on their network.
CURL = ("curl", "--silent", "--max-time", "5")


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with containers.alone():
        yield containers.base_image()


@pytest.fixture(scope="module")
def image(base: str) -> str:
    return containers.build(base, VERSION)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder as the Supervisor makes it: of root alone."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    return folder


def write_options(data: Path, **changes: object) -> None:
    """Write the options as the Supervisor does, for nobody but root."""
    options = {"client_id": CLIENT_ID, "credential": CREDENTIAL, "log_level": "debug"} | changes
    path = data / "options.json"
    path.write_text(json.dumps(options))
    os.chown(path, 0, 0)
    path.chmod(0o600)


class Neighbours:
    """The neighbours, and what they show."""

    def __init__(self, supervisor: Container, cloud: Container, network: str) -> None:
        self.supervisor = supervisor
        self.cloud = cloud
        self.network = network

    def states(self) -> dict[str, dict[str, Any]]:
        """Return what Core shows, by entity id without `sensor.`."""
        header = f"Authorization: Bearer {CORE_TOKEN}"
        url = f"http://{SUPERVISOR}:8123/api/states"
        answer = json.loads(self.supervisor.exec(*CURL, "--header", header, url))
        return {state["entity_id"].removeprefix("sensor."): state for state in answer}

    def value(self, name: str) -> str | None:
        state = self.states().get(name)
        return None if state is None else str(state["state"])


@pytest.fixture
def neighbours(image: str, data: Path) -> Iterator[Neighbours]:
    """The cloud and the Supervisor, on a network of their own."""
    network = containers.network(SUBNET)
    write_options(data)
    python = (
        *("--network", network, "--entrypoint", PYTHON),
        *("--volume", f"{containers.TESTS}:/tests:ro"),
    )
    variables = {"PYTHONPATH": "/tests", "PYTHONDONTWRITEBYTECODE": "1"}
    supervisor = Container(
        "rehearsal-supervisor",
        (
            *python,
            *("--ip", SUPERVISOR, "--volume", f"{data}:/of-add-on:ro", image),
            *("-m", "standin", "--host", SUPERVISOR, "--port", "80", "--core-port", "8123"),
            *("--options", "/of-add-on/options.json"),
        ),
        variables | {"SUPERVISOR_TOKEN": SUPERVISOR_TOKEN},
    )
    cloud = Container(
        "rehearsal-cloud",
        (
            *(*python, "--ip", CLOUD, image),
            *("-m", "simulator", "--host", CLOUD, "--port", "80", "--credential", CREDENTIAL),
            *("--commissioned-days", "2", "--v221-past"),
        ),
        variables,
    )
    with supervisor, cloud:
        until(lambda: "Core:" in supervisor.log and "Simulator:" in cloud.log)
        yield Neighbours(supervisor, cloud, network)


@pytest.fixture
def add_on(neighbours: Neighbours, image: str, data: Path) -> Container:
    """The add-on, not yet started."""
    capabilities = re.findall(
        r"^ *capability (\w+),", (containers.ADDON / "apparmor.txt").read_text(), re.MULTILINE
    )
    return Container(
        "rehearsal-add-on",
        (
            *("--network", neighbours.network, "--ip", ADD_ON),
            # By name, as the Supervisor describes itself.
            *("--add-host", f"supervisor:{SUPERVISOR}", "--add-host", f"cloud:{CLOUD}"),
            *("--read-only", "--read-only-tmpfs=false", "--volume", f"{data}:/data"),
            # s6 needs a place of its own, which s6-overlay has there too.
            *("--tmpfs", "/run:exec,size=4m", "--tmpfs", "/tmp:size=16m"),  # noqa: S108 - the container's own
            *("--cap-drop", "all", "--cap-add", ",".join(capabilities)),
            *("--security-opt", "no-new-privileges"),
            *("--memory", f"{MEMORY_MB}m", "--memory-swap", f"{MEMORY_MB}m"),
            image,
        ),
        {
            "SUPERVISOR_TOKEN": SUPERVISOR_TOKEN,
            "REDBACK_API_URL": "http://cloud",
            "REDBACK_LOGIN_URL": "http://cloud",
        },
    )


@pytest.fixture
def running(add_on: Container, neighbours: Neighbours) -> Iterator[Container]:
    """The add-on, once Core shows its states."""
    with add_on:
        shown(neighbours, add_on)
        yield add_on
        assert_no_secret(add_on)


def shown(neighbours: Neighbours, add_on: Container) -> None:
    """Wait until Core shows all states."""
    try:
        until(lambda: neighbours.value("redback_grid_import_total") not in (None, "unavailable"))
    except AssertionError:
        raise AssertionError(add_on.log) from None


def assert_no_secret(add_on: Container) -> None:
    assert CREDENTIAL not in add_on.log
    assert SUPERVISOR_TOKEN not in add_on.log


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so; what containers do has no event to wait for."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it has not happened in time"
        time.sleep(0.1)


def service(add_on: Container) -> int:
    """Return the number of the service's process."""
    (number,) = (number for number, words in add_on.processes() if words.endswith("-m redback"))
    return number


def status(number: int, field: str) -> list[str]:
    """Return a line of what the kernel shows of a process."""
    text = Path(f"/proc/{number}/status").read_text()
    (line,) = re.findall(rf"^{field}:(.*)$", text, re.MULTILINE)
    return str(line).split()


class TestImage:
    """What is built."""

    def test_it_adds_less_than_40_mb(
        self, image: str, base: str, measured: Callable[[str], None]
    ) -> None:
        added = sum(containers.layers_mb(image, base))
        measured(f"the image adds {added:.1f} MB to its base")
        assert added < 40

    def test_it_says_what_it_is(self, image: str) -> None:
        labels = containers.inspect(image, "image")["Labels"]
        assert labels["io.hass.type"] == "app"
        assert labels["io.hass.version"] == VERSION
        assert labels["io.hass.arch"] == "amd64"

    def test_it_leaves_nothing_behind_that_only_builds(self, image: str) -> None:
        look = "find /opt/redback /build /tools /wheels /chart /root/.cache 2>/dev/null || true"
        found = podman("run", "--rm", "--network=none", "--entrypoint=sh", image, "-c", look)
        paths = [Path(line) for line in found.splitlines()]
        assert paths
        assert all(path.is_relative_to("/opt/redback") for path in paths)
        packages = {path.name.lower() for path in paths if path.parent.name == "site-packages"}
        assert "redback" in packages
        assert not packages & {"pip", "setuptools", "wheel", "flit_core"}
        assert not {path.suffix for path in paths} & {".c", ".h", ".pyx", ".pxd", ".pyi"}
        assert Path("static/uplot/uPlot.esm.js") in {Path(*path.parts[-3:]) for path in paths}

    def test_it_is_built_without_the_chart_where_npm_gets_nothing(
        self, base: str, tmp_path: Path, measured: Callable[[str], None]
    ) -> None:
        npmrc = tmp_path / "npmrc"
        npmrc.write_text("registry=http://127.0.0.1:9/\n")  # a port that nobody has
        began = time.monotonic()
        image = containers.build(base, "0.0.1", npmrc=npmrc)
        measured(f"built without the chart in {time.monotonic() - began:.0f} s")
        look = "find /opt/redback -name page.html -o -name 'uPlot*'"
        found = podman("run", "--rm", "--network=none", "--entrypoint=sh", image, "-c", look)
        assert {Path(line).name for line in found.split()} == {"page.html"}
        podman("rmi", image)

    def test_every_module_is_compiled_for_good(self, image: str) -> None:
        run = ("run", "--rm", "--network=none", f"--entrypoint={PYTHON}", image, "-I", "-c")
        output = json.loads(podman(*run, COMPILED))
        assert len(output) > 200
        assert set(output.values()) == {UNCHECKED}, "its source is looked at when it runs"


class TestRunning:
    """What runs."""

    def test_states_arrive_and_a_name_leads_to_each_neighbour(
        self, running: Container, neighbours: Neighbours
    ) -> None:
        until(lambda: len(neighbours.states()) == ENTITIES)
        assert neighbours.value("redback_status") == "OK"
        assert "does not answer" not in running.log

    def test_the_panel_answers_the_supervisor_and_nobody_else(
        self, running: Container, neighbours: Neighbours
    ) -> None:
        assert "Redback" in neighbours.supervisor.exec(*CURL, PANEL)
        for neighbour, path in (
            (neighbours.cloud, "/"),
            (neighbours.cloud, "/health"),
            (running, "/"),
        ):
            code = ("--output", "/dev/null", "--write-out", "%{http_code}")
            assert neighbour.exec(*CURL, *code, f"{PANEL}{path}") == "403"

    def test_it_is_healthy(self, running: Container, image: str) -> None:
        assert containers.inspect(image, "image")["Healthcheck"]["Test"][0] == "CMD"
        podman("healthcheck", "run", running.name)

    def test_the_service_has_no_right_that_any_user_would_not_have(
        self, running: Container
    ) -> None:
        number = service(running)
        assert status(number, "Uid") == [str(USER)] * 4
        assert status(number, "Gid") == [str(USER)] * 4
        assert status(number, "Groups") == [str(USER)]
        for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            assert int(status(number, kind)[0], 16) == 0, kind
        assert status(number, "NoNewPrivs") == ["1"]

    def test_it_writes_nowhere_but_in_its_data(self, running: Container, data: Path) -> None:
        assert running.exec("touch", "/opt/redback/new", check=False) == ""
        assert "new" not in running.exec("ls", "/opt/redback")
        assert {path.stat().st_uid for path in data.iterdir()} == {USER}
        assert (data / "history.db").exists()

    def test_it_has_memory_to_spare(
        self, running: Container, measured: Callable[[str], None]
    ) -> None:
        number = service(running)
        held, now = (int(status(number, field)[0]) / 1024 for field in ("VmHWM", "VmRSS"))
        measured(f"the service has held {held:.0f} MB of the container's {MEMORY_MB}")
        libraries = int(running.exec(PYTHON, "-I", "-c", LIBRARIES)) / 1024
        measured(f"it holds {now:.1f} MB, an interpreter with its libraries {libraries:.1f} MB")
        assert now < 1.25 * libraries
        limits = (
            "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null"
        )
        limit = running.exec("sh", "-c", limits, check=False).split()
        assert limit == [str(MEMORY_MB * 2**20)]
        assert not containers.inspect(running.name)["State"]["OOMKilled"]

    def test_the_command_for_the_history_is_at_hand(self, running: Container) -> None:
        assert "missing:" in running.exec("redback-history", "status")


class TestEnd:
    """What ends it, and what comes after."""

    def test_a_stop_takes_less_than_five_seconds_and_is_no_failure(
        self, running: Container, neighbours: Neighbours, measured: Callable[[str], None]
    ) -> None:
        began = time.monotonic()
        podman("stop", "--time=10", running.name)
        took = time.monotonic() - began
        measured(f"the container stops in {took:.1f} s")
        assert took < 5
        assert running.exit_code == 0
        assert neighbours.value("redback_grid_power") == "unavailable"

    def test_after_a_kill_it_goes_on_where_it_was(
        self, running: Container, neighbours: Neighbours, data: Path
    ) -> None:
        before = float(neighbours.value("redback_grid_import_total") or "nan")
        files = {path.name for path in data.iterdir()}
        podman("kill", running.name)
        assert running.exit_code == 137
        write_options(data)
        podman("start", running.name)
        until(lambda: running.log.count("Redback add-on") == 2)
        shown(neighbours, running)
        assert float(neighbours.value("redback_grid_import_total") or "nan") >= before
        assert files <= {path.name for path in data.iterdir()}
        assert not list(data.glob("*.damaged"))
        assert status(service(running), "Uid") == [str(USER)] * 4

    def test_a_service_that_is_killed_is_started_again(
        self, running: Container, neighbours: Neighbours
    ) -> None:
        first = service(running)
        os.kill(first, 9)
        until(lambda: running.log.count("Redback add-on") == 2)
        shown(neighbours, running)
        assert service(running) != first
        assert "ended unexpectedly" in running.log

    def test_a_service_that_crashes_again_and_again_ends_the_container_with_its_code(
        self, add_on: Container
    ) -> None:
        # A port that is not for users without rights.
        add_on.variables["REDBACK_PANEL_PORT"] = "80"
        with add_on:
            until(lambda: not add_on.is_running, 120)
            assert add_on.exit_code == 1
            assert add_on.log.count("Redback add-on") == 5
            assert add_on.log.count("ended unexpectedly") == 4

    def test_options_that_cannot_work_end_it_with_78(self, add_on: Container, data: Path) -> None:
        write_options(data, client_id="", history_days=-1)
        with add_on:
            until(lambda: not add_on.is_running)
            assert add_on.exit_code == 78
            assert "Client ID is empty" in add_on.log
            assert "Days of history must be a whole number" in add_on.log
            assert_no_secret(add_on)

    def test_without_a_supervisor_it_says_so_and_goes_on_when_there_is_one(
        self, add_on: Container, neighbours: Neighbours
    ) -> None:
        podman("stop", "--time=1", neighbours.supervisor.name)
        with add_on:
            until(lambda: "Home Assistant does not answer" in add_on.log)
            podman("start", neighbours.supervisor.name)
            until(lambda: neighbours.supervisor.log.count("Core:") == 2)
            shown(neighbours, add_on)

    @pytest.mark.parametrize("kind", ["fails", "hangs"])
    def test_a_supervisor_that_is_of_no_use_delays_nothing(
        self,
        add_on: Container,
        neighbours: Neighbours,
        image: str,
        kind: str,
        measured: Callable[[str], None],
    ) -> None:
        podman("rm", "--force", "--time=0", neighbours.supervisor.name)
        script = "/tests/rehearsal/broken_supervisor.py"
        words = (
            *("--network", neighbours.network, "--ip", SUPERVISOR, "--entrypoint", PYTHON),
            *("--volume", f"{containers.TESTS}:/tests:ro", image, script, "--host", SUPERVISOR),
            *(["--hangs"] if kind == "hangs" else []),
        )
        with Container("rehearsal-supervisor", words, {}) as supervisor:
            until(lambda: "Supervisor:" in supervisor.log)
            began = time.monotonic()
            with add_on:
                health = (*CURL, "--fail", "http://127.0.0.1:8099/health")
                until(lambda: bool(add_on.exec(*health, check=False)))
                took = time.monotonic() - began
                measured(f"healthy after {took:.1f} s beside a Supervisor that {kind}")
                assert took < 5
                assert add_on.is_running
                leaked = add_on.exec("grep", "-rlF", CREDENTIAL, "/tmp", "/run", check=False)  # noqa: S108 - the container's own
                assert leaked == ""
                assert_no_secret(add_on)
