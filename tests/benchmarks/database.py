"""How many rows a day of one inverter adds to Core's database.

Beside it, in the same Core, everything that the cloud tells is pushed every minute as it is told:
Core itself makes no row of a state that is as before.
"""

import shutil

import fast_world
from benchmarks.figures import Beside, Figure, Outcome

# Midnight where Core is at home, UTC: a whole day has its share of night.
_BEGINNING = "2026-03-01 14:00:00"
_DAY_MINUTES = 1440
_QUICK_MINUTES = 10
_PATIENCE_SECONDS = 300.0
# As fast as that world is.
_SPEED = 60


def measure(*, quick: bool) -> Outcome:
    """Watch a whole day, or in a small run some minutes."""
    minutes = _QUICK_MINUTES if quick else _DAY_MINUTES
    folder = fast_world.new_folder("database")
    seen = fast_world.run(
        *("benchmarks.day", f"--folder={folder}", f"--minutes={minutes}"),
        folder=folder,
        beginning=_BEGINNING,
        seconds=_PATIENCE_SECONDS + 2 * 60 * minutes / _SPEED,
    )
    shutil.rmtree(folder)
    ours, pushed = seen["ours"], seen["pushed"]
    days = seen["minutes"] / _DAY_MINUTES
    everything = "all every minute"
    return Outcome(
        [
            Figure(
                "rows of states a day",
                ours["states"] / days,
                "",
                Beside(everything, pushed["states"] / days),
            ),
            Figure(
                "readings that come a day",
                ours["readings"] / days,
                "",
                Beside(everything, pushed["readings"] / days),
            ),
            Figure(
                f"rows of attributes that {minutes} minutes add",
                ours["attributes"],
                "",
                Beside(everything, pushed["attributes"]),
                most=0,
            ),
        ]
    )
