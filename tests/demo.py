"""The whole house on one machine, to look at: a simulated cloud, a Core and the service."""

import argparse
import asyncio
import contextlib
import math
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import addon
from house import CREDENTIAL, SECOND, TOKEN, House, Service
from simulator import SECOND_CLIENT_ID, SECOND_CREDENTIAL, Fault, Kind, Simulator
from simulator.envelopes import CreateEnvelope
from simulator.physics import LOCAL
from simulator.world import PRESETS, World, days_ago
from standin.core import Core
from standin.real_core import CoreFailedError, RealCore, find_hass, free_port
from standin.supervisor import CoreAddress, Supervisor
from standin.users import OWNER

_INGRESS = "demo"
_FAULTS = {
    "cloud": Fault(kind=Kind.STATUS, status=503),
    "credentials": Fault(kind=Kind.WRONG_SECRET),
    "forbidden": Fault(kind=Kind.FORBIDDEN),
    "nulls": Fault(kind=Kind.NULLS),
    "offline": Fault(kind=Kind.OFFLINE),
    "reset": Fault(kind=Kind.COUNTER_RESET),
    "slow": Fault(kind=Kind.SLOW, seconds=20),
}
_FIVE_MINUTES = 300
# After the end of each five minutes, when Core compiles them.
_COMPILED_AFTER = 10


def main() -> None:
    """Run until ctrl-C."""
    arguments = parser().parse_args()
    try:
        sys.exit(asyncio.run(_show(arguments)))
    except CoreFailedError as error:
        sys.exit(f"No demo with a real Core: {error}")


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    made = argparse.ArgumentParser(
        prog="script/demo",
        description="Shows the add-on at work beside a simulated Redback cloud. Ctrl-C ends it.",
        epilog="For example, a night with two inverters of which one goes offline after a minute:"
        " script/demo --hour 2 --preset two-inverters --fault offline --after 60",
    )
    add = made.add_argument
    add("--core", action="store_true", help="with a real Home Assistant Core, not a stand-in")
    add(
        "--preset",
        action="append",
        choices=PRESETS,
        help="what the account has, may be given several times (default: st)",
    )
    add(
        "--second",
        action="append",
        choices=PRESETS,
        help="what a second account has, may be given several times",
    )
    add("--hour", type=int, choices=range(24), help="the hour of the day that it is in the house")
    add("--past", type=int, default=3, help="days that the inverters have run (default: 3)")
    add(
        "--gap",
        type=float,
        action="append",
        default=[],
        help="how many hours ago the cloud lacks an hour; may be given several times",
    )
    add(
        "--fault",
        action="append",
        default=[],
        choices=_FAULTS,
        help="what goes wrong, may be given several times",
    )
    add(
        "--controls",
        action="store_true",
        help="with the option Controls, and something that others have scheduled",
    )
    add("--after", type=float, default=0, help="seconds until it does (default: 0)")
    return made


def zone_of(hour: int | None) -> timezone:
    """Return a time zone in which it is that hour now."""
    ahead = LOCAL.utcoffset(None)
    if hour is not None:
        ahead = timedelta(hours=(hour - datetime.now(UTC).hour + 11) % 24 - 11)
    return timezone(ahead)


def world_of(arguments: argparse.Namespace, zone: timezone) -> World:
    """Make what there is, with the gaps of its past."""
    world = World(commissioned=days_ago(arguments.past), zone=zone)
    world.add_account(arguments.preset or ["st"], credential=CREDENTIAL)
    if arguments.second:
        world.add_account(
            arguments.second, client_id=SECOND_CLIENT_ID, credential=SECOND_CREDENTIAL
        )
    for hours in arguments.gap:
        since = datetime.now(UTC) - timedelta(hours=hours)
        until = since + timedelta(hours=1)
        world.faults.add(Fault(kind=Kind.OFFLINE, since=since, until=until))
    return world


def go_wrong(arguments: argparse.Namespace, world: World) -> None:
    """Switch the faults on; of several inverters only one goes offline."""
    several = len(world.inverters) > 1
    for name in arguments.fault:
        fault = _FAULTS[name]
        if fault.kind is Kind.OFFLINE and several:
            fault = replace(fault, serial=world.inverters[0].serial)
        world.faults.add(fault)


def plan(simulator: Simulator, now: datetime) -> None:
    """Let somebody else, and the energy network, have scheduled something from tonight on."""
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    for inverter in simulator.world.inverters:
        if inverter.family.system_type is not None:
            evening = noon + timedelta(hours=7 if now.hour < 18 else 31)
            simulator.schedules.add(
                inverter.serial,
                "DischargeBattery",
                2000,
                start=evening.timestamp(),
                minutes=90,
                now=now.timestamp() - 60,
                notes="Evening peak",
            )
            simulator.schedules.daily[inverter.serial] = [
                {
                    "StartTime": "01:00:00",
                    "Duration": "02:30:00",
                    "DaysActive": "Everyday",
                    "TimezoneIANA": None,
                    "DesiredMode": {"InverterMode": "ChargeBattery", "ArgumentInWatts": 1500},
                }
            ]
    for account in simulator.world.accounts:
        for site in account.sites:
            asked = CreateEnvelope(
                start_at_utc=noon + timedelta(hours=22),
                end_at_utc=noon + timedelta(hours=26),
                event_id=f"network {site.site_id}",
                site_id=site.site_id,
                max_export_power_w=1500,
            )
            simulator.envelopes.add_of_network(account, asked, now.timestamp() - 60)


async def _show(arguments: argparse.Namespace) -> int:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    zone = zone_of(arguments.hour)
    # The house is where it is that hour. Browsers know these names; they count the other way.
    os.environ["TZ"] = f"Etc/GMT{-zone.utcoffset(None) // timedelta(hours=1):+d}"
    world = world_of(arguments, zone)
    async with contextlib.AsyncExitStack() as stack:
        # A hass that runs in a container or a chroot may see no other folder.
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="redback-demo-", dir="/tmp")
        )
        simulator = await stack.enter_async_context(Simulator(world))
        address, log_in, owner = await stack.enter_async_context(
            _core(Path(folder), os.environ["TZ"], real=arguments.core)
        )
        if ended.is_set():  # while Core was starting
            return 0
        supervisor = await stack.enter_async_context(
            Supervisor(
                address,
                token=TOKEN,
                options=Path(folder) / "options.json",
                config=addon.config(),
            )
        )
        home = House(
            simulator,
            supervisor,
            address,
            Path(folder),
            panel_port=free_port(),
            panel_allow="127.0.0.1",
            log=Path("/dev/stdout"),
        )
        if arguments.controls:
            plan(simulator, datetime.now(zone))
        home.service.options(
            log_level="info",
            history_days=arguments.past,
            controls=arguments.controls,
            more_accounts=[SECOND] if arguments.second else [],
        )
        # As from the sidebar, by the user who may press its buttons.
        supervisor.ingress[_INGRESS] = home.panel_url
        supervisor.visitor = owner
        _print(f"The panel:      {supervisor.url}/ingress/{_INGRESS}/")
        _print(f"Home Assistant: {address.url}/ {log_in}")
        _print(f"Redback cloud:  {simulator.url} (simulated)")
        _print(f"Add-on's data:  {folder}")
        _print("Ctrl-C ends it all. What follows is the add-on's own log.\n")
        loop.call_later(arguments.after, go_wrong, arguments, world)
        return await _serve(home.service, ended)


@contextlib.asynccontextmanager
async def _core(
    folder: Path, zone: str, *, real: bool
) -> AsyncIterator[tuple[CoreAddress, str, str]]:
    """Run a Core; return its address, what a person must know to look at it, and its owner."""
    if not real:
        async with Core(zone=zone) as core:
            compiling = asyncio.create_task(_compile(core))
            yield core.address, "(a stand-in; its page shows all states)", OWNER
            compiling.cancel()
        return
    _print("Starting Home Assistant Core: this takes a minute ...")
    async with RealCore(find_hass(), folder / "core", frontend=True, zone=zone) as core:
        access = core.access
        log_in = f"(log in as {access.user_name} with {access.password})"
        yield core.address, log_in, await core.owner()


async def _compile(core: Core) -> None:
    """Have the stand-in compile statistics when Core would, so that the history fills."""
    while True:
        now = datetime.now(UTC).timestamp()
        end = (now - _COMPILED_AFTER) // _FIVE_MINUTES * _FIVE_MINUTES + _FIVE_MINUTES
        await asyncio.sleep(end + _COMPILED_AFTER - now)
        core.statistics.compile(datetime.fromtimestamp(end - _FIVE_MINUTES, UTC))


async def _serve(service: Service, ended: asyncio.Event) -> int:
    """Run the service until it ends or is to end, and return its exit code."""
    await service.start()
    both = [asyncio.create_task(ended.wait()), asyncio.create_task(service.ended(math.inf))]
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    try:
        return await service.stop()
    finally:
        await service.kill()
        for task in both:
            task.cancel()


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
