"""That the page works through the ingress of a real Home Assistant Core."""

import asyncio
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import pytest
import pytest_asyncio

from panel.ingress import TOKEN, Ingress, ingress
from panel.visitor import Visitor
from standin.versions import EVENT_STREAM

pytestmark = [
    pytest.mark.core,
    pytest.mark.process,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]

_TYPES = {"js": "application/javascript", "css": "text/css", "svg": "image/svg+xml"}


class Links(HTMLParser):
    """The addresses of the files that a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = {"script": "src", "link": "href"}.get(tag, "")
        if link := dict(attrs).get(name):
            self.found.append(link)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def inside() -> AsyncIterator[Ingress]:
    async with ingress() as inside:
        yield inside


@pytest.fixture
def person(inside: Ingress) -> Visitor:
    """Somebody who has opened the page in Home Assistant's side bar."""
    return inside.person


async def test_the_page_comes_with_all_of_its_files(person: Visitor) -> None:
    links = Links()
    async with person.get("") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/html"
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        links.feed(await answer.text())
    assert {"static/main.js", "static/page.css", "static/icon.svg"} <= {*links.found}
    for link in links.found:
        assert link.startswith("static/"), "it is relative to the page, wherever that is"
        async with person.get(link) as answer:
            assert answer.status == 200, link
            assert await answer.read()
            assert answer.content_type == _TYPES[link.rpartition(".")[2]]


async def test_the_status_comes_through_core_and_the_supervisor(
    person: Visitor, inside: Ingress
) -> None:
    status = await person.all_well()
    assert inside.supervisor.requests[f"GET /ingress/{TOKEN}/data/status"] >= 1
    assert [one["serial"] for one in status["inverters"]] == person.home.inverters
    assert inside.core.version in str(status)


async def test_what_is_asked_for_keeps_its_query(person: Visitor) -> None:
    await person.all_well()
    assert len((await person.data("calendar?days=3"))["days"]) == 3
    async with person.get("data/calendar?serial=none") as answer:
        assert answer.status == 404


async def test_a_button_of_the_page_works_and_one_of_a_stranger_does_not(person: Visitor) -> None:
    assert (await person.post("history/pause"))[0] == 200
    assert (await person.data("status"))["history"]["is_paused"]
    assert (await person.post("history/resume"))[0] == 200
    assert not (await person.data("status"))["history"]["is_paused"]
    stranger = {"Content-Type": "application/json", "X-Redback-Token": "guessed"}
    assert (await person.post("history/pause", headers=stranger))[0] == 403
    assert not (await person.data("status"))["history"]["is_paused"]


async def test_a_user_who_is_no_administrator_sees_the_page_and_changes_nothing(
    person: Visitor, inside: Ingress
) -> None:
    owner = inside.supervisor.visitor
    command = {"type": "config/auth/create", "name": "Kim", "group_ids": ["system-users"]}
    inside.supervisor.visitor = (await inside.core.command(command))["user"]["id"]
    try:
        await person.all_well()
        # The visitor's own header says that they are the owner of another Core.
        status, text = await person.post("history/pause")
    finally:
        inside.supervisor.visitor = owner
    assert (status, "Only administrators" in text) == (403, True)
    assert not (await person.data("status"))["history"]["is_paused"]


async def test_the_diagnostics_are_downloaded_under_their_name(person: Visitor) -> None:
    async with person.get("diagnostics") as answer:
        assert answer.status == 200
        assert "redback-diagnostics.json" in answer.headers["Content-Disposition"]
        assert await answer.json()


async def test_what_happens_is_shown_at_once_if_core_does_not_compress_it(
    person: Visitor, inside: Ingress
) -> None:
    async with person.get("live") as stream:
        assert stream.status == 200
        assert stream.content_type == "text/event-stream"
        comes_at_once = EVENT_STREAM.at(inside.core.release)
        assert ("Content-Encoding" not in stream.headers) is comes_at_once
        if comes_at_once:
            async with asyncio.timeout(5):
                assert await stream.content.readuntil(b"\n") == b"event: status\r\n"
