"""Several accounts in one service, from the outside: what one of them costs another one."""

from dataclasses import replace
from functools import partial

import pytest

from house import SECOND, House, eventually, house
from panel.addresses import addresses
from panel.visitor import running
from secret_words import leaks
from simulator import SECOND_CLIENT_ID, SECOND_CREDENTIAL, Fault, Kind

pytestmark = pytest.mark.process


def strike(home: House, fault: Fault) -> int:
    """Let something go wrong with the second account alone."""
    return home.simulator.faults.add(replace(fault, client_id=SECOND_CLIENT_ID))


async def names(home: House) -> set[str]:
    """Return the names of all inverters that Core shows."""
    return {name.removesuffix("_status") for name in await home.states() if "_status" in name}


async def test_wrong_credentials_of_one_are_named_and_cost_the_others_nothing() -> None:
    async with house("st", second=["sh"]) as home:
        fault = strike(home, Fault(kind=Kind.WRONG_SECRET, path=""))
        await home.service.start()
        first, second = (serial[-4:] for serial in home.inverters)
        await home.shows(f"redback_{first}_grid_import_total")
        shown = await eventually(home.notifications, bool)
        assert len(shown) == 1
        ((key, message),) = shown.items()
        assert key.startswith("redback_credentials_")
        assert message.startswith("`Account Farm`: The Redback cloud rejected the Client ID")
        assert SECOND_CLIENT_ID not in key + message
        assert await home.service.stop() == 0
        home.simulator.faults.clear(fault)
        await home.service.start()
        await home.shows(f"redback_{second}_grid_import_total")
        assert await eventually(home.notifications, lambda found: not found) == {}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=Kind.STATUS, status=429, retry_after="3600"),
        Fault(kind=Kind.STATUS, status=503),
        Fault(kind=Kind.SLOW, seconds=60),
        Fault(kind=Kind.REJECT_TOKENS),
        Fault(kind=Kind.NO_INVERTERS),
    ],
    ids=["429", "503", "slow", "tokens", "empty"],
)
async def test_an_account_in_trouble_at_the_start_does_not_delay_the_other(fault: Fault) -> None:
    async with house("st", second=["sh"]) as home:
        strike(home, fault)
        await home.service.start()
        await home.shows(f"redback_{home.inverters[0][-4:]}_grid_import_total")
        assert len(await names(home)) == 1
        assert await home.service.stop() == 0


async def test_the_secrets_of_each_are_hidden_in_whatever_is_logged() -> None:
    async with house("st", second=["two-inverters"]) as home:
        # The log has the names of inverters: nothing else of it could be made to be a secret.
        secrets = (SECOND_CLIENT_ID, SECOND_CREDENTIAL)
        called = zip(home.inverters[1:], secrets, strict=True)
        sites = [{"id": serial, "name": name} for serial, name in called]
        home.service.options(more_accounts=[SECOND], sites=sites)
        await home.service.start()
        line = "is called **REDACTED**"
        await eventually(lambda: _log(home), lambda log: log.count(line) == len(secrets))
        assert await home.service.stop() == 0


async def _log(home: House) -> str:
    return home.service.log


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=Kind.WRONG_SECRET, path=""),
        Fault(kind=Kind.REJECT_TOKENS),
        Fault(kind=Kind.REDIRECT, path=""),
    ],
    ids=["credentials", "tokens", "redirect"],
)
async def test_no_page_state_or_notification_has_a_secret_of_any(fault: Fault) -> None:
    async with running("st", second=["sh"], options={"more_accounts": [SECOND]}) as person:
        await person.all_well()
        home = person.home
        await home.service.stop()
        strike(home, fault)
        await person.start()
        await person.until("status", lambda status: _is_bad(status["health"]["accounts"], "Farm"))
        for path in (one.removeprefix("GET ") for one in addresses() if one.startswith("GET ")):
            if path != "live":
                async with person.get(path.removeprefix("/")) as answer:
                    text = await answer.text()
                    assert not leaks(text), path
                    assert SECOND_CLIENT_ID not in text, path
        shown = f"{await home.states()} {await home.notifications()}"
        assert not leaks(shown)
        assert SECOND_CLIENT_ID not in shown


def _is_bad(accounts: list[dict[str, str]], name: str) -> bool:
    return any(one["name"] == f"Account {name}" and one["state"] != "good" for one in accounts)


async def test_an_account_that_is_removed_and_added_again_keeps_its_names() -> None:
    async with house("st", second=["sh"]) as home:
        home.service.options()
        await home.service.start()
        await home.shows("redback_grid_import_total")
        await home.service.stop()
        both = {"redback", f"redback_{home.inverters[1][-4:]}"}
        for accounts in ([SECOND], [], [SECOND]):
            home.service.options(more_accounts=accounts)
            await home.service.start()
            await home.shows("redback_grid_import_total")
            if accounts:
                await eventually(partial(names, home), lambda found: found == both)
            await home.service.stop()
        assert await names(home) == both


async def test_a_notification_of_an_account_goes_with_it() -> None:
    async with house("st", second=["sh"]) as home:
        strike(home, Fault(kind=Kind.WRONG_SECRET, path=""))
        await home.service.start()
        await eventually(home.notifications, bool)
        await home.service.stop()
        home.service.options()
        await home.service.start()
        await eventually(home.notifications, lambda found: not found)


async def test_the_same_account_twice_does_not_start_and_says_where() -> None:
    async with house("st") as home:
        twice = [{"client_id": SECOND_CLIENT_ID, "credential": "x"}, SECOND]
        home.service.options(more_accounts=twice)
        await home.service.start()
        assert await home.service.ended() == 78
        sentence = "More accounts, entry 2: the Client ID is the same as in entry 1: keep one."
        assert sentence in home.service.log
        assert sentence in (await home.notifications())["redback_options"]
