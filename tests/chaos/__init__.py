"""Hours of a day with everything going wrong, and a comparison of every statistic with the truth.

    fast --from '2026-03-01 20:40:00' -- VENV/bin/python -m chaos --seed 1 --hours 6 --folder /tmp/X

runs it in a world whose clock can run faster (PYTHONPATH=redback_addon/src:tests), and prints one
JSON. `plan` draws what goes wrong and when; `system` is a simulated cloud, a Supervisor, a real
Core and the service; `runner` makes the troubles happen there; `checker` compares what Core has
written with what the inverters did; `leaks` looks for secrets in the logs; `table` shows the
outcome to people.
"""
