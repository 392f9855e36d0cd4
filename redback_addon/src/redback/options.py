"""The options of the user, read and checked once."""

import base64
import re
import ssl
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from slugify import slugify

# In the data folder; the Supervisor writes it.
FILE = "options.json"

# An entity id has at most 255 characters; a serial number and a sensor's key need some of them.
_LONGEST_NAME = 150

_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)

LogLevel = Literal["debug", "info", "warning", "error"]


class OptionsError(Exception):
    """The options are invalid: `problems` has one sentence for each thing that is wrong."""

    def __init__(self, *problems: str) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class Site(msgspec.Struct, frozen=True):
    """One entry of the option Sites: a site or an inverter, and what people call it."""

    id: str
    name: str = ""

    def __post_init__(self) -> None:
        """Remove line breaks and the like that were pasted by mistake."""
        for field in ("id", "name"):
            plain = _plain(" ".join(getattr(self, field).split()))
            msgspec.structs.force_setattr(self, field, plain)


class Login(msgspec.Struct, frozen=True):
    """One account's credentials, which are secrets, and what people call the account."""

    client_id: str = ""
    credential: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        """Remove what was pasted by mistake."""
        for field in self.__struct_fields__:
            msgspec.structs.force_setattr(self, field, _plain(getattr(self, field)))

    def __repr__(self) -> str:
        """Return only what may be logged."""
        return "Login()"


def _plain(text: str) -> str:
    """Return pasted text without blanks around it, and without characters that nobody sees."""
    return "".join(filter(str.isprintable, text)).strip()


class Mqtt(msgspec.Struct, frozen=True):
    """The option MQTT broker: a broker of the user's own; without a host, the Supervisor's.

    Attributes:
        port: None = the usual one, 1883, or 8883 with TLS.
        password: a secret.
        certificate: the authority's that the broker's own is of (PEM); empty = one that this
            machine trusts.
    """

    host: str = ""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    username: str = ""
    password: str = ""
    tls: bool = False
    certificate: str = ""

    def __repr__(self) -> str:
        """Return only what may be logged."""
        return f"Mqtt(host={self.host!r}, port={self.port}, tls={self.tls})"


class Options(msgspec.Struct, frozen=True):
    """The options, checked.

    Attributes:
        credential: from Redback's support, as the client id; a secret.
        sites: those to publish; empty = every inverter that the accounts can see.
        history_days: how far the first import of history goes back, days.
        detailed_sensors: whether modules, cabinets, limits and the like become entities.
        devices: whether inverters are devices over MQTT, instead of states over REST.
        mqtt: the broker for that.
        controls: whether commands may be sent to inverters.
        more_accounts: others beside the first one.
    """

    client_id: str
    credential: str
    sites: tuple[Site, ...] = ()
    history_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 7
    detailed_sensors: bool = False
    log_level: LogLevel = "info"
    devices: bool = False
    mqtt: Mqtt = Mqtt()
    controls: bool = False
    more_accounts: tuple[Login, ...] = ()

    @property
    def logins(self) -> tuple[Login, ...]:
        """The credentials of all accounts, the first one's first."""
        return Login(self.client_id, self.credential), *self.more_accounts

    def __repr__(self) -> str:
        """Return only what may be logged."""
        return f"Options(sites={len(self.sites)}, history_days={self.history_days})"


# The name of each option in the options panel, the same as in its translations file.
LABELS = {
    "client_id": "Client ID",
    "credential": "Credential",
    "sites": "Sites",
    "history_days": "Days of history",
    "detailed_sensors": "Detailed sensors",
    "devices": "Devices",
    "mqtt": "MQTT broker",
    "controls": "Controls",
    "more_accounts": "More accounts",
    "log_level": "Log level",
}
_MUST_BE = {
    "client_id": "text",
    "credential": "text",
    "sites": "a list whose entries each have an id",
    "history_days": "a whole number from 0 to 3650",
    "detailed_sensors": "on or off",
    "devices": "on or off",
    "mqtt": (
        "a host, a port from 1 to 65535, a username, a password, TLS on or off, and a certificate"
    ),
    "controls": "on or off",
    "more_accounts": "a list whose entries each have a Client ID and a Credential",
    "log_level": "one of debug, info, warning and error",
}


def read(path: Path) -> Options:
    """Read options.json; raise an OptionsError if that or anything in it cannot be used."""
    try:
        raw = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        raise OptionsError(
            "There are no options yet: open the Configuration tab and save."
        ) from None
    except OSError as error:
        raise OptionsError(f"The options cannot be read: {error.strerror}.") from None
    # JSON can be nested more deeply than Python can follow.
    except (ValueError, RecursionError):
        # Quote nothing of the content: it holds the credential.
        raise OptionsError("The options cannot be read: the file is not valid JSON.") from None
    if not isinstance(raw, dict):
        raise OptionsError("The options cannot be read: the file is not a JSON object.")
    return check(raw)


def check(raw: dict[str, Any]) -> Options:
    """Return the checked options, or raise an OptionsError with everything that is wrong.

    Unknown ones are ignored, so that going back to an older version works.
    """
    problems: list[str] = []
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(Options):
        if field.name not in raw and not field.required:
            continue
        value = raw.get(field.name, "")
        value = _plain(value) if isinstance(value, str) else value
        try:
            values[field.name] = msgspec.convert(value, field.type, strict=False)
        except msgspec.ValidationError as error:
            # The decoder's own words would quote the value.
            problems.append(_wrong_kind(field.name, error))
    problems.extend(_conflicts(values))
    if problems:
        raise OptionsError(*problems)
    return Options(**values)


def authority(certificate: str) -> bytes:
    """Return the certificates of a text in PEM as DER, none of an empty one.

    A field of one line takes their line breaks away.

    Raises:
        ValueError: there are none in it, or wrong ones.
    """
    if not certificate:
        return b""
    found = _CERTIFICATE.findall(certificate)
    encoded = b"".join(base64.b64decode("".join(one.split()), validate=True) for one in found)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=encoded)
    except OSError as error:
        raise ValueError("not a certificate") from error
    return encoded


def _wrong_kind(option: str, error: msgspec.ValidationError) -> str:
    """Return what an option must be, in a sentence."""
    found = re.search(r"\[(\d+)\]", str(error))
    entry = int(found[1]) + 1 if found else None
    if entry and option == "more_accounts":
        return f"{_entry(entry)}: the Client ID, the Credential and the name must be text."
    where = f" (entry {entry} has none)" if entry else ""
    return f"{LABELS[option]} must be {_MUST_BE[option]}{where}."


def _entry(number: int) -> str:
    return f"{LABELS['more_accounts']}, entry {number}"


def _conflicts(values: dict[str, Any]) -> Iterator[str]:
    for name in ("client_id", "credential"):
        if values.get(name) == "":
            yield f"{LABELS[name]} is empty: enter the one from Redback support."
    yield from _wrong_certificate(values.get("mqtt", Mqtt()))
    yield from _conflicts_of_accounts(values.get("client_id", ""), values.get("more_accounts", ()))
    sites: tuple[Site, ...] = values.get("sites", ())
    for number, site in enumerate(sites, start=1):
        if not site.id:
            yield f"Sites: entry {number} has no id: enter a site id or a serial number."
        if site.name and (wrong := _wrong_name(site.name)):
            yield f"Sites: the name of entry {number} {wrong}."
    for identity, count in Counter(site.id.casefold() for site in sites if site.id).items():
        if count > 1:
            wanted = next(site.id for site in sites if site.id.casefold() == identity)
            yield f"Sites: the id {wanted} is listed {count} times: keep one."
    # Names that differ only in case or punctuation would make the same entity ids.
    for slug, count in Counter(slugify(site.name) for site in sites if site.name).items():
        if slug and count > 1:
            wanted = next(site.name for site in sites if slugify(site.name) == slug)
            yield f"Sites: the name {wanted} is used {count} times: each entry needs its own."


def _wrong_certificate(mqtt: Mqtt) -> Iterator[str]:
    try:
        authority(mqtt.certificate)
    except ValueError:
        yield (
            "MQTT broker: Certificate is none: paste all of it, from BEGIN CERTIFICATE to"
            " END CERTIFICATE."
        )
        return
    if mqtt.host and mqtt.certificate and not mqtt.tls:
        yield "MQTT broker: there is a Certificate, but TLS is off: turn TLS on."


def _conflicts_of_accounts(first: str, more: tuple[Login, ...]) -> Iterator[str]:
    """Yield what is wrong with the entries of More accounts; no Client ID is quoted."""
    ids = {first.casefold(): f"the option {LABELS['client_id']}"}
    # An account without a name is called by its number, where the first one has 1.
    names = {"1": "the first account"}
    for number, login in enumerate(more, start=1):
        for field in ("client_id", "credential"):
            if not getattr(login, field):
                label = LABELS[field]
                yield f"{_entry(number)}: the {label} is empty: enter the one from Redback support."
        place = f"entry {number}"
        if login.client_id and (same := ids.setdefault(login.client_id.casefold(), place)) != place:
            yield f"{_entry(number)}: the Client ID is the same as in {same}: keep one."
        name = (login.name or str(number + 1)).casefold()
        if (same := names.setdefault(name, place)) != place:
            yield f"{_entry(number)}: the name is the same as in {same}: each needs its own."


def _wrong_name(name: str) -> str:
    """Return why entity ids cannot be made of a name, in a clause; empty if they can."""
    slug = slugify(name)
    if not slug:
        return "contains no letter or digit"
    if max(len(name), len(slug)) > _LONGEST_NAME:
        return f"is too long: use at most {_LONGEST_NAME} letters"
    return ""
