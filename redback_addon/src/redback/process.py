"""The process: its surroundings, its options, its signals and its exit code."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

from . import log, notifications, options
from .clock import SystemClock
from .core import CoreError, Rest, open_session
from .environment import Environment, EnvironmentVariableError
from .service import Service
from .timeouts import timeout

_LOG = logging.getLogger(__name__)
# EX_CONFIG of sysexits.h: restarting without changing the options is of no use.
EXIT_CONFIG = 78
EXIT_CRASH = 1
_NOTIFY_SECONDS = 3
# For the files and the names of hosts, and for each account enough for every request that its
# throttle lets through: a slow one must not delay another. The default is fewer on a small machine.
_THREADS = 8
_THREADS_EACH = 8
# gc.set_threshold(): generation 0 every 200 allocations, 1 every 5th, 2 every 2nd. From 3.14 the
# 2nd value is the increment and the 3rd is ignored.
_THRESHOLDS = (200, 5, 2)


def run() -> NoReturn:
    """Run the service until SIGTERM, and end the process."""
    redaction = log.Redaction()
    log.set_up(redaction)
    code = _run(redaction)
    logging.shutdown()
    # Not sys.exit, which waits for threads: one that hangs in a name look-up must not delay the
    # end. Everything that must outlive it was written when it changed.
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
        asyncio.run(_notify(environment, error.problems))
        return EXIT_CONFIG
    redaction.hide(settings.mqtt.password)
    redaction.expect_tokens(len(settings.logins))
    for login in settings.logins:
        redaction.hide(login.client_id, login.credential)
    log.set_level(settings.log_level)
    _collect_often()
    try:
        # Not asyncio.run, which waits for its threads too.
        asyncio.new_event_loop().run_until_complete(_serve(environment, settings, redaction))
    except Exception:  # noqa: BLE001 - any error is logged and ends the process
        _LOG.exception("The service failed and ends; it will be restarted.")
        return EXIT_CRASH
    return 0


def _collect_often() -> None:
    """Collect cycles of references soon: errors leave them behind.

    Freezing everything loaded so far, which stays anyway, makes that cheap.
    """
    gc.collect()
    gc.freeze()
    # Again, for Python 3.13 and older: generation 2 waits until it has grown by a quarter since the
    # last collection, which must therefore be one without the frozen objects.
    gc.collect()
    gc.set_threshold(*_THRESHOLDS)


async def _notify(environment: Environment, problems: tuple[str, ...]) -> None:
    """Show in Home Assistant what is wrong with the options, if it answers at once."""
    async with open_session(environment.supervisor_token) as session:
        core = Rest(session, environment.supervisor_url)
        with contextlib.suppress(CoreError, TimeoutError):
            async with asyncio.timeout(timeout(_NOTIFY_SECONDS)):
                await core.call_service(*notifications.options_wrong(problems))


def threads(accounts: int) -> ThreadPoolExecutor:
    """Return the threads of the service, where it has this number of accounts."""
    return ThreadPoolExecutor(_THREADS + _THREADS_EACH * accounts)


async def _serve(
    environment: Environment, settings: options.Options, redaction: log.Redaction
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(threads(len(settings.logins)))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_session(environment.supervisor_token) as session:
        service = Service(
            environment,
            settings,
            session,
            SystemClock(),
            redaction.hide_token,
            on_password=redaction.hide,
        )
        await service.run(stop)
