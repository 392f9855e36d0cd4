"""Lists the libraries that an installed Core would fetch at its first start, one on a line.

It is run by the Python of that Core, before the tests: a Core that starts under a faster clock, or
without a network, has no time to fetch anything.
"""

import json
import sys
from pathlib import Path

import homeassistant
from homeassistant import bootstrap
from homeassistant.auth.mfa_modules import totp

# Those of the configuration that the tests' Core gets, and of what they ask it for.
_WANTED = ("config", "energy", "hassio", "history", "mqtt", "recorder", "sensor", "websocket_api")
# They look for devices around them, which no test has.
_LEFT_OUT = {"bluetooth", "dhcp", "go2rtc", "ssdp", "stream", "usb", "zeroconf"}


def main() -> None:
    """Print the requirements of all integrations that are loaded."""
    package = Path(homeassistant.__file__).parent
    waiting = {*_WANTED, *bootstrap.DEFAULT_INTEGRATIONS, "auth"} - _LEFT_OUT
    seen: set[str] = set()
    needed = set(totp.REQUIREMENTS)  # the log-in's second factor, which every Core loads
    while waiting:
        name = waiting.pop()
        seen.add(name)
        path = package / "components" / name / "manifest.json"
        if path.exists():
            manifest = json.loads(path.read_text())
            needed.update(manifest.get("requirements", ()))
            waiting.update(set(manifest.get("dependencies", ())) - seen - _LEFT_OUT)
    sys.stdout.write("\n".join(sorted(needed)) + "\n")


if __name__ == "__main__":
    main()
