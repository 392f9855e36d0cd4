"""A model of what Core's recorder makes of a few sensors, for tests that go through many days.

    core = Recorder(now, [Series("sensor.solar", "kWh", is_counter=True)])
    core.advance(to)                        # the only way that time passes; unix seconds
    core.push("sensor.solar", 12.5)         # a state, now; None = unavailable
    core.stop(), core.kill(), core.start(), core.started()   # Core's process
    core.copy(), core.restore(copy)         # its database; restore while it is stopped
    core.lock(), core.unlock()              # a backup: what is queued waits, and a kill loses it
    core.hourly("sensor.solar"), core.short_term("sensor.solar")     # its rows, by start
    ModelStatistics(core)                   # the same methods as redback.core's Statistics

`test_recorder_model.py` compares it with the recorder of a real Core.
"""

from recorder_model.recorder import Recorder, Row
from recorder_model.statistics import ModelStatistics

__all__ = ["ModelStatistics", "Recorder", "Row"]
