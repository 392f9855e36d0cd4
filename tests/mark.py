"""Draws the add-on's mark: a sun within the 24 hours of a day, of which none is missing.

Hours of the night are blue and those of the day orange, the colours that Home Assistant has for the
grid and the sun.
"""

import math
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

ADDON = Path(__file__).parent.parent / "redback_addon"
NIGHT, DAY, WORDS = "#488fc2", "#ff9800", "#6c8799"
ICON, LOGO = (128, 128), (250, 100)
_HOURS = 24
# Of a mark that is 128 wide: radii, widths and corners.
_INNER, _OUTER, _THICK, _SUN = 46.0, 62.0, 7.0, 31.0
_BOLT = "M6 -22 L-13 5 L-2 5 L-6 22 L13 -5 L2 -5 Z"


def mark() -> str:
    """Return the mark as SVG around the origin, 128 wide; midnight is at the bottom."""
    hours = "".join(_hour(hour) for hour in range(_HOURS))
    bolt = f'<path d="{_BOLT}" fill="#fff" stroke="#fff" stroke-width="2" stroke-linejoin="round"/>'
    return f'{hours}<circle r="{_SUN}" fill="{DAY}"/>{bolt}'


def _hour(hour: int) -> str:
    angle = 2 * math.pi * (hour + 0.5) / _HOURS + math.pi
    x, y = math.sin(angle), -math.cos(angle)
    colour = DAY if 6 <= hour < 18 else NIGHT
    inner, outer = _INNER + _THICK / 2, _OUTER - _THICK / 2
    return (
        f'<line x1="{x * inner:.2f}" y1="{y * inner:.2f}" x2="{x * outer:.2f}" y2="{y * outer:.2f}"'
        f' stroke="{colour}" stroke-width="{_THICK}" stroke-linecap="round"/>'
    )


def icon() -> str:
    """Return the mark alone."""
    return _svg(ICON, f'<g transform="translate(64 64)">{mark()}</g>')


def logo() -> str:
    """Return the mark with the name beside it."""
    name = (
        '<text x="102" y="60" font-family="DejaVu Sans" font-weight="bold" font-size="30"'
        f' textLength="140" lengthAdjust="spacingAndGlyphs" fill="{WORDS}">Redback</text>'
    )
    return _svg(LOGO, f'<g transform="translate(50 50) scale(0.72)">{mark()}</g>{name}')


def _svg(size: tuple[int, int], content: str) -> str:
    width, height = size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}">{content}</svg>'
    )


def draw(folder: Path) -> None:
    """Write both pictures."""
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (width, height), svg in (("icon", ICON, icon()), ("logo", LOGO, logo())):
            page = browser.new_page(viewport={"width": width, "height": height})
            page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{svg}")
            page.screenshot(path=folder / f"{name}.png", omit_background=True)
        browser.close()


if __name__ == "__main__":
    draw(ADDON)
