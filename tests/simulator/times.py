"""How the API writes moments (dossier 2.3)."""

from datetime import UTC, datetime


def iso(when: float) -> str:
    """Return Unix seconds as the API prints most of its times: whole seconds and Z."""
    return datetime.fromtimestamp(int(when), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_compact(text: str) -> int:
    """Return the Unix seconds of a path's time; ValueError if it is written in another way."""
    # Z is not a zone to strptime; the zone is put right at once.
    moment = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return int(moment.timestamp())
