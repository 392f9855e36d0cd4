"""The process: its surroundings, its options, its signals and its exit code."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
from typing import NoReturn

from . import log, notifications, options
from .clock import SystemClock
from .core import CoreError, Rest, open_session
from .environment import Environment, EnvironmentVariableError
from .service import Service
from .timeouts import timeout

_LOG = logging.getLogger(__name__)
# What sysexits.h calls EX_CONFIG: trying again without a change of the options is of no use.
EXIT_CONFIG = 78
EXIT_CRASH = 1
_TELL_SECONDS = 3
# How many new things there are when Python looks for what only its collector can free; and how
# many looks at the young and the middle-aged there are to one at their elders. Where Python looks
# at the elders bit by bit (3.14), the second says how small a bit, and the third says nothing.
_LOOKED_AFTER = (200, 5, 2)


def run() -> NoReturn:
    """Run the service until SIGTERM, and end the process."""
    redaction = log.Redaction()
    log.set_up(redaction)
    code = _run(redaction)
    logging.shutdown()
    # Not sys.exit, which waits for threads: one that hangs in a name look-up must not hold up
    # the end. Everything that must outlive it has been written when it changed.
    os._exit(code)


def _run(redaction: log.Redaction) -> int:
    try:
        environment = Environment.from_variables()
        redaction.hide(environment.supervisor_token)
        settings = options.read(environment.data / options.FILE)
    except EnvironmentVariableError as problem:
        _LOG.error("%s", problem)
        return EXIT_CONFIG
    except options.OptionsError as error:
        for sentence in error.problems:
            _LOG.error("%s", sentence)
        asyncio.run(_tell(environment, error.problems))
        return EXIT_CONFIG
    redaction.hide(settings.client_id, settings.credential)
    log.set_level(settings.log_level)
    _collect_often()
    try:
        # Not asyncio.run, which waits for its threads too.
        asyncio.new_event_loop().run_until_complete(_serve(environment, settings, redaction))
    except Exception:  # noqa: BLE001 - whatever it is, it is logged and ends the process
        _LOG.exception("The service has failed and ends; it is started again.")
        return EXIT_CRASH
    return 0


def _collect_often() -> None:
    """Let nothing stand for long that only Python's collector can free: what faults leave behind.

    What has been loaded by now stays anyway. Without a look at that it costs little.
    """
    gc.collect()
    gc.freeze()
    # Again, for Python 3.13 and older: the elders are not looked at until there is a quarter more
    # than the last time, and that time all that has been loaded was among them.
    gc.collect()
    gc.set_threshold(*_LOOKED_AFTER)


async def _tell(environment: Environment, problems: tuple[str, ...]) -> None:
    """Show in Home Assistant what is wrong with the options, if it answers at once."""
    async with open_session(environment.supervisor_token) as session:
        core = Rest(session, environment.supervisor_url)
        with contextlib.suppress(CoreError, TimeoutError):
            async with asyncio.timeout(timeout(_TELL_SECONDS)):
                await core.call_service(*notifications.options_wrong(problems))


async def _serve(
    environment: Environment, settings: options.Options, redaction: log.Redaction
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_session(environment.supervisor_token) as session:
        service = Service(environment, settings, session, SystemClock(), redaction.hide_token)
        await service.run(stop)
