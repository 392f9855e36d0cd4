"""That the scripts cope with what other programs do meanwhile."""

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "script/debian"
# As apt says it, with exit code 100.
LOCKED = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 21133 (apt-get)"
UNKNOWN = "E: Unable to locate package faketime"


def install(folder: Path, *failures: str) -> subprocess.CompletedProcess[str]:
    """Run the script as root, where the first attempts to install fail."""
    for number, failure in enumerate(failures):
        (folder / f"failure-{number}").write_text(failure)
    (folder / "id").write_text("#!/bin/sh\necho 0\n")
    (folder / "apt-get").write_text(
        f"""#!/bin/sh
        [ "$1" = update ] && exit
        for failure in {folder}/failure-*; do
          [ -f "$failure" ] && cat "$failure" >&2 && rm "$failure" && exit 100
        done
        touch {folder}/installed
        """
    )
    for name in ("id", "apt-get"):
        (folder / name).chmod(0o700)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "LOCK_SECONDS": "0"}
    return subprocess.run(  # noqa: S603 - a script of the project
        [SCRIPT, "faketime"], env=environment, capture_output=True, text=True, check=False
    )


def test_what_another_program_installs_is_waited_for(tmp_path: Path) -> None:
    assert install(tmp_path, LOCKED, LOCKED).returncode == 0
    assert (tmp_path / "installed").exists()


def test_what_cannot_be_installed_is_said_at_once(tmp_path: Path) -> None:
    ended = install(tmp_path, UNKNOWN, LOCKED)
    assert (ended.returncode, ended.stderr) == (1, UNKNOWN + "\n")
    assert not (tmp_path / "installed").exists()
