"""The stand-in Core's one page: its states and notifications as tables, for people at the demo."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from standin.notifications import Notification
from standin.states import State

REFRESH_S = 5

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="{refresh_s}">
<meta name="viewport" content="width=device-width">
<title>Home Assistant stand-in</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; }}
td.state {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
small {{ opacity: .6; }}
</style>
</head>
<body>
<h1>Home Assistant <small>stand-in, {time}</small></h1>
<h2>Notifications</h2>
{notifications}
<h2>States <small>{count}</small></h2>
{states}
</body>
</html>
"""


def render(states: Sequence[State], notifications: Sequence[Notification], now: datetime) -> str:
    """The page as HTML, with everything in it escaped."""
    return _PAGE.format(
        refresh_s=REFRESH_S,
        time=f"{now:%Y-%m-%d %H:%M:%S} UTC",
        count=len(states),
        states=_states(sorted(states, key=lambda state: state.entity_id)),
        notifications=_notifications(notifications),
    )


def _states(states: Iterable[State]) -> str:
    rows = "\n".join(
        "<tr>"
        f"<td>{_text(state.attributes.get('friendly_name', ''))}<br>"
        f"<small>{_text(state.entity_id)}</small></td>"
        f'<td class="state">{_text(state.state)}'
        f" {_text(state.attributes.get('unit_of_measurement', ''))}</td>"
        f"<td>{state.last_updated:%H:%M:%S}</td>"
        "</tr>"
        for state in states
    )
    return f"<table>\n<tr><th>Entity</th><th>State</th><th>Updated</th></tr>\n{rows}\n</table>"


def _notifications(notifications: Iterable[Notification]) -> str:
    items = "\n".join(
        f"<li><strong>{_text(each.title or '')}</strong> {_text(each.message)}</li>"
        for each in notifications
    )
    return f"<ul>\n{items}\n</ul>" if items else "<p>None.</p>"


def _text(value: object) -> str:
    return escape(str(value))
