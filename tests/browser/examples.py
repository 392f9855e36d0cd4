"""Answers of the panel's server as the page gets them; all values are invented."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

Json = dict[str, object]
NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
HOME = ZoneInfo("Australia/Brisbane")
OPTIONS_URL = "/hassio/addon/local_redback/config"


def written(moment: datetime) -> str:
    """Write a time as the server does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(**duration: float) -> str:
    """Write the time that was so long before now."""
    return written(NOW - timedelta(**duration))


def energy(**changes: object) -> Json:
    """Make the energy of a day so far."""
    return {
        "solar_kwh": 18.42,
        "load_kwh": 11.3,
        "import_kwh": 1.07,
        "export_kwh": 4.61,
        "charge_kwh": 5.2,
        "discharge_kwh": 1.62,
        "self_consumption": 74.9,
        "self_sufficiency": 90.5,
    } | changes


def inverter(**changes: object) -> Json:
    """Make an inverter at noon: the sun runs the house, charges the battery, feeds the grid."""
    return {
        "serial": "RB21120912345678",
        "name": "House",
        "site": "S2112091234567",
        "model": "SH5000",
        "status": "OK",
        "is_live": True,
        "mode": "Auto",
        "mode_power_w": 0,
        "read_at": ago(seconds=42),
        "solar_kw": 4.873,
        "load_kw": 1.25,
        "battery_kw": -2.4,
        "grid_kw": -1.223,
        "soc": 84,
        "min_soc": 20,
        "capacity_kwh": 13.2,
        "has_battery": True,
        "has_solar": True,
        "today": energy(),
    } | changes


def evening(**changes: object) -> Json:
    """Make an inverter after sunset: battery and grid run the house."""
    powers = {"solar_kw": 0, "load_kw": 3.6, "battery_kw": 2.1, "grid_kw": 1.5, "soc": 31}
    return inverter(**(powers | changes))


def granny_flat(**changes: object) -> Json:
    """Make a second inverter, which has no battery."""
    return (
        inverter(
            serial="RB22031109876543",
            name="Granny flat",
            model="SI6000",
            solar_kw=2.1,
            load_kw=0.64,
            battery_kw=None,
            grid_kw=-1.46,
            soc=None,
            min_soc=None,
            capacity_kwh=None,
            has_battery=False,
            today=energy(solar_kwh=9.8, load_kwh=4.05, charge_kwh=None, discharge_kwh=None),
        )
        | changes
    )


def health(**changes: object) -> Json:
    """Make the health of a service that runs well."""
    return {
        "cloud": good("The Redback cloud answers.", hours=9),
        "core": good("Home Assistant takes the states.", hours=9),
        "inverters": [
            {"serial": "RB21120912345678", "name": "House"} | good("A reading a minute.", hours=9)
        ],
        "counts": {"requests": 1204, "failed_requests": 3, "states": 20511, "problems": 1},
        "next_poll": written(NOW + timedelta(seconds=18)),
        "last_error": None,
        "problems": [],
    } | changes


def good(text: str, **since: float) -> Json:
    """Make the health of a part that works."""
    return {"state": "good", "text": text, "since": ago(**since)}


def bad(text: str, **since: float) -> Json:
    """Make the health of a part that does not work."""
    return {"state": "bad", "text": text, "since": ago(**since)}


def history(**changes: object) -> Json:
    """Make the state of a past without gaps."""
    return {
        "is_known": True,
        "is_running": False,
        "is_paused": False,
        "found": 240,
        "done": 240,
        "left": 0,
        "failed": 0,
        "rate": None,
        "ends_at": None,
        "objections": [],
    } | changes


def filling() -> Json:
    """Make the state of a past that is being filled."""
    return history(
        is_running=True,
        found=2160,
        done=1420,
        left=740,
        rate=118.4,
        ends_at=written(NOW + timedelta(minutes=6.2)),
    )


def status(*inverters: Json, **changes: object) -> Json:
    """Make a Status in which all is well."""
    return {
        "version": "1.0.0",
        "at": written(NOW),
        "clock_ahead_s": 36_000,
        "started_at": ago(hours=9),
        "options_url": OPTIONS_URL,
        "notices": [],
        "inverters": list(inverters) or [inverter()],
        "health": health(),
        "history": history(),
    } | changes


_NOTICES = {
    "options": (
        "error",
        "The options cannot work",
        "Correct them in the configuration of the add-on, and start it:\n- Client ID is empty.",
    ),
    "credentials": (
        "error",
        "The credentials are not accepted",
        "Check Client ID and Credential. If they are right, ask Redback's support for new ones.",
    ),
    "no_access": (
        "error",
        "No access to readings",
        "The cloud refuses to give readings. If it stays so, ask Redback's support.",
    ),
    "no_inverter": (
        "error",
        "No inverter on this account",
        "The account can see no inverter. Ask Redback's support to connect yours with it.",
    ),
    "unknown_site": (
        "warning",
        "A site in the options does not exist",
        "The account has no site S9999999999999. Choose one of those under Sites.",
    ),
    "core_away": (
        "info",
        "Home Assistant is starting",
        "Readings go on; they are shown in Home Assistant as soon as it is back. Nothing to do.",
    ),
    "cloud_away": (
        "warning",
        "The Redback cloud does not answer",
        "The add-on goes on trying, and fills what is missing afterwards. Nothing to do.",
    ),
    "starting": ("info", "Starting", "The account has not answered yet. Nothing to do."),
    "first_reading": (
        "info",
        "Waiting for the first reading",
        "The inverter sends one every minute. Nothing to do.",
    ),
    "offline": (
        "warning",
        "House sends no readings",
        "The last is of 3 hours ago. Look whether the inverter is on and has its network.",
    ),
    "denied": (
        "warning",
        "No access to House",
        "Your account may not read House. If it stays so, ask Redback's support.",
    ),
}
KINDS = tuple(_NOTICES)
_TO_OPTIONS = {"options", "credentials", "no_inverter", "unknown_site"}
_WITHOUT_INVERTERS = {"options", "credentials", "no_access", "no_inverter", "starting"}


def notice(kind: str) -> Json:
    """Make a notice of a kind."""
    level, title, text = _NOTICES[kind]
    shown = {"kind": kind, "level": level, "title": title, "text": text}
    return shown | {"to_options": kind in _TO_OPTIONS}


def status_of(kind: str) -> Json:
    """Make the Status of a page state, by the kind of its notice."""
    waiting = {"state": "waiting", "text": "No answer yet.", "since": None}
    powers = ("solar_kw", "load_kw", "battery_kw", "grid_kw")
    unread: Json = dict.fromkeys(("read_at", "soc", "today", *powers))
    inverters = {
        "first_reading": [inverter(status=None, is_live=False, mode=None, **unread)],
        "offline": [inverter(status="Offline", is_live=False, read_at=ago(hours=3))],
    }.get(kind, [inverter()])
    if kind in _WITHOUT_INVERTERS:
        inverters = []
    parts: dict[str, Json] = {
        "credentials": {"cloud": bad("The credentials are not accepted.", minutes=5)},
        "cloud_away": {"cloud": bad("The Redback cloud does not answer.", minutes=25)},
        "core_away": {"core": {"state": "waiting", "text": "Home Assistant is starting."}},
        "starting": {"cloud": waiting},
    }
    return status(notices=[notice(kind)], health=health(**parts.get(kind, {})), inverters=inverters)
