"""The add-on's image and its containers, made with podman and buildah as root.

The real base image is not needed: a stand-in is made of Debian, with s6 from there and the little
of s6-overlay and bashio that the add-on uses (`base/`). It is kept from one run to the next.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ADDON = ROOT / "redback_addon"
TESTS = ROOT / "tests"
# Beside the temporary files of other programs, which outlive a test.
_KEPT = Path("/var/tmp/redback-rehearsal")  # noqa: S108 - for root alone, see below
_MIRROR = "http://deb.debian.org/debian"
# Its Python is the one that the image's base has.
_RELEASE = "forky"
# How an older debootstrap makes a release that it does not know.
_RECIPE = "/usr/share/debootstrap/scripts/sid"
_PACKAGES = (
    *("bash", "ca-certificates", "curl", "execline", "jq", "python3", "python3-venv", "s6"),
    "tzdata",
)
# Its libraries are alternatives of each other, which debootstrap does not understand.
_LATER = ("npm",)
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
# Where the base has the files of `base/`, by name; all else goes to the folder of the stand-in.
_PLACES = {"init": "init", "with-contenv": "usr/bin/with-contenv", "bashio": "usr/bin/bashio"}
_FOLDER = "usr/local/lib/stand-in"
_NETWORK = "redback-rehearsal"
# Of the settings of this machine, those that its pip and npm need to get what they are to install.
_SETTINGS = ("/etc/ssl/certs", "/etc/pip.conf", "~/.config/pip/pip.conf", "~/.npmrc")
_BUILDING_S = 280
# Of what a failed command said, the end, in characters.
_TOLD = 3000


class ContainerError(Exception):
    """A command has failed; the text is what it said."""


def run(*words: str | Path, seconds: float = 60, check: bool = True) -> str:
    """Run a command, and return its output; raise ContainerError if it has failed."""
    done = subprocess.run(  # noqa: S603 - the words are the tests' own
        [str(word) for word in words],
        env=os.environ | {"CONTAINERS_CONF": str(HERE / "containers.conf")},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if check and done.returncode != 0:
        said = (done.stdout + done.stderr)[-_TOLD:]
        raise ContainerError(f"{' '.join(str(word) for word in words)}:\n{said}")
    return done.stdout


def podman(*words: str | Path, seconds: float = 60, check: bool = True) -> str:
    """Run podman, with a store of its own."""
    return run("podman", *_store(), *words, seconds=seconds, check=check)


def _store() -> tuple[str | Path, ...]:
    return ("--root", _KEPT / "images", "--runroot", _KEPT / "running")


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other rehearsal runs on this machine, and keep it so."""
    _KEPT.mkdir(mode=0o700, exist_ok=True)
    with (_KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def base_image() -> str:
    """Return the name of the stand-in for the base image, which is made if it is not there."""
    name = f"localhost/rehearsal-base:{_fingerprint()}"
    if name not in podman("images", "--format={{.Repository}}:{{.Tag}}").split():
        folder = _KEPT / "base"
        _remove(folder)
        try:
            _make_base(folder)
            archive = _KEPT / "base.tar"
            with tarfile.open(archive, "w") as tar:
                tar.add(folder, arcname=".")
            variables = (
                "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LANG=C.UTF-8",
                f"PIP_CERT={_AUTHORITIES}",
                f"NODE_EXTRA_CA_CERTS={_AUTHORITIES}",
            )
            changes = [f"--change=ENV {variable}" for variable in variables]
            start = '--change=ENTRYPOINT ["/init"]'
            podman("import", *changes, start, archive, name, seconds=_BUILDING_S)
            archive.unlink()
        finally:
            _remove(folder)
    return name


def _fingerprint() -> str:
    """Return what distinguishes the wanted base from one that was made of something else."""
    made_from = [*_PACKAGES, *_LATER, _RELEASE, *(path.read_text() for path in _base_files())]
    return hashlib.sha256("\n".join(made_from).encode()).hexdigest()[:12]


def _base_files() -> list[Path]:
    return sorted((HERE / "base").iterdir())


def _make_base(folder: Path) -> None:
    include = f"--include={','.join(_PACKAGES)}"
    run(
        # What it mounts meanwhile, nobody else sees, and it is gone with it.
        *("unshare", "--mount", "debootstrap", "--variant=minbase", include),
        *(_RELEASE, folder, _MIRROR, _RECIPE),
        seconds=_BUILDING_S,
    )
    apt = ("chroot", folder, "apt-get", "-qq", "--no-install-recommends", "install", "--yes")
    run(*apt, *_LATER, seconds=_BUILDING_S)
    for path in _base_files():
        place = folder / _PLACES.get(path.name, f"{_FOLDER}/{path.name}")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)
        place.chmod(0o755)
    for waste in ("var/cache/apt/archives", "var/lib/apt/lists"):
        _remove(folder / waste)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def build(base: str, version: str, *, npmrc: Path | None = None) -> str:
    """Build the add-on's image from its Dockerfile, with another base, and return its name.

    `npmrc` is what npm reads instead of what this machine's does.
    """
    name = "localhost/rehearsal-add-on" + ("" if npmrc is None else "-other-npm")
    volumes = [
        f"--volume={path}:{'/root' if setting.startswith('~') else ''}"
        f"{setting.removeprefix('~')}:ro"
        for setting in _SETTINGS
        if (path := Path(setting).expanduser()).exists()
        and not (npmrc is not None and setting == "~/.npmrc")
    ]
    if npmrc is not None:
        volumes.append(f"--volume={npmrc}:/root/.npmrc:ro")
    arguments = {"BASE_IMAGE": base, "BUILD_ARCH": "amd64", "BUILD_VERSION": version}
    run(
        *("buildah", *_store(), "bud", "--format=docker", "--isolation=chroot", "--network=host"),
        *(f"--build-arg={key}={value}" for key, value in arguments.items()),
        *volumes,
        *("--tag", name, ADDON),
        seconds=_BUILDING_S,
    )
    podman("image", "prune", "--force")  # the one that had the name before
    return name


def inspect(name: str, kind: str = "container") -> dict[str, Any]:
    """Return what podman knows of a container, an image or a network."""
    (found,) = json.loads(podman("inspect", "--type", kind, name))
    assert isinstance(found, dict)
    return found


def layers_mb(image: str, base: str) -> list[float]:
    """Return the size of each layer that an image adds to its base, in MB of 1000 x 1000 bytes."""
    number = len(inspect(base, "image")["RootFS"]["Layers"])
    history = json.loads(podman("history", "--format=json", image))
    sizes = [int(layer["size"]) / 1e6 for layer in reversed(history)]
    return sizes[number:]


def network(subnet: str) -> str:
    """Make a network that leads nowhere else, unless it is there, and return its name."""
    if _NETWORK not in podman("network", "ls", "--format={{.Name}}").split():
        podman("network", "create", "--internal", "--disable-dns", "--subnet", subnet, _NETWORK)
    return _NETWORK


class Container:
    """A container, gone at the end.

    The words are for `podman run`: its options, the image, and what follows that.
    """

    def __init__(
        self, name: str, words: Sequence[str | Path], variables: Mapping[str, str]
    ) -> None:
        self.name = name
        self.variables = dict(variables)
        self._words = words

    def __enter__(self) -> Self:
        """Start it."""
        podman("rm", "--force", "--time=0", "--ignore", self.name)
        environment = [f"--env={name}={value}" for name, value in self.variables.items()]
        podman("run", "--detach", "--name", self.name, *environment, *self._words)
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it."""
        podman("rm", "--force", "--time=0", "--ignore", self.name)

    @property
    def log(self) -> str:
        """Everything that it has written."""
        return podman("logs", self.name)

    @property
    def is_running(self) -> bool:
        return bool(inspect(self.name)["State"]["Running"])

    @property
    def exit_code(self) -> int:
        return int(inspect(self.name)["State"]["ExitCode"])

    def exec(self, *words: str | Path, check: bool = True) -> str:
        """Run a command in it, and return the output."""
        return podman("exec", self.name, *words, check=check)

    def processes(self) -> Iterator[tuple[int, str]]:
        """Return the processes in it: the number that this machine knows each by, and its words."""
        first = int(inspect(self.name)["State"]["Pid"])
        namespace = Path(f"/proc/{first}/ns/pid").readlink()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if (folder / "ns/pid").readlink() == namespace:
                    words = (folder / "cmdline").read_bytes().split(b"\0")
                    yield int(folder.name), b" ".join(words).decode().strip()
            except OSError:  # it has ended meanwhile
                continue
