"""Days that were never polled, and hours that were missed: in the end Core has all of them.

    fast --from '2026-03-01 18:40:00' -- VENV/bin/python -m gapless --folder /tmp/X

runs it in a world whose clock can run faster (PYTHONPATH=redback_addon/src:tests), and prints one
JSON. `scenario` is what goes wrong, and `cases` what does in real houses; system and truth are
those of `chaos`; `minutes` is what each entity should have shown minute by minute; `comparison`
holds Core's hours against both.
"""
