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
        "cloud": good("Receiving readings.", hours=9),
        "core": good("Connected to Home Assistant 2026.11.0.", hours=9),
        "inverters": [
            {"serial": "RB21120912345678", "name": "House"} | good("Receiving readings.", hours=9)
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
        "Invalid options",
        "Correct these in the add-on's configuration, then start it:\n- Client ID is empty.",
    ),
    "credentials": (
        "error",
        "Credentials rejected",
        "Check the Client ID and the Credential. If they are correct, ask for new ones.",
    ),
    "no_access": (
        "error",
        "No access to readings",
        "The cloud refuses access to readings. If it persists, ask Redback support.",
    ),
    "no_inverter": (
        "error",
        "No inverter found",
        "The cloud lists no inverter. Ask Redback support which sites your Client ID can see.",
    ),
    "unknown_site": (
        "warning",
        "Unknown site",
        "Your account does not have S9999999999999. Choose one of those under Sites.",
    ),
    "core_away": (
        "info",
        "Home Assistant is starting or does not answer",
        "You don't need to do anything. All states are sent when it answers.",
    ),
    "cloud_away": (
        "warning",
        "The Redback cloud is unavailable",
        "You don't need to do anything. It retries every minute and fills the gap afterwards.",
    ),
    "starting": ("info", "Looking for your inverters", "This takes a few seconds."),
    "first_reading": (
        "info",
        "Waiting for the first reading",
        "House: the first reading arrives within a minute or two.",
    ),
    "offline": (
        "warning",
        "House is offline",
        "Check the inverter and its internet connection.",
    ),
    "denied": (
        "warning",
        "No access to an inverter",
        "The Redback cloud does not allow your account to read House.",
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
    waiting = {"state": "waiting", "text": "Connecting to the Redback cloud.", "since": None}
    powers = ("solar_kw", "load_kw", "battery_kw", "grid_kw")
    unread: Json = dict.fromkeys(("read_at", "soc", "today", *powers))
    inverters = {
        "first_reading": [inverter(status=None, is_live=False, mode=None, **unread)],
        "offline": [inverter(status="Offline", is_live=False, read_at=ago(hours=3))],
    }.get(kind, [inverter()])
    if kind in _WITHOUT_INVERTERS:
        inverters = []
    parts: dict[str, Json] = {
        "credentials": {"cloud": bad("Credentials rejected.", minutes=5)},
        "cloud_away": {"cloud": bad("The Redback cloud does not answer.", minutes=25)},
        "core_away": {"core": {"state": "waiting", "text": "Connecting to Home Assistant."}},
        "starting": {"cloud": waiting},
    }
    return status(notices=[notice(kind)], health=health(**parts.get(kind, {})), inverters=inverters)
