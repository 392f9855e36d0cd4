"""A process that is measured: its run, its surroundings, its memory, its time of the processor."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# Counted from the state, which comes after the name in brackets (proc(5)).
_USER, _SYSTEM = 11, 12
# musl, which the image has, always leaves what is as large as this to the kernel. Left alone, glibc
# makes room for it in its heap, and the 256 KiB that asyncio reads with leave holes there.
LIKE_THE_IMAGE = {"MALLOC_MMAP_THRESHOLD_": "131052"}


async def run(module: str, *arguments: str, given: bytes = b"", seconds: float) -> bytes:
    """Run a program of the benchmarks to its end; gives what it writes.

    Args:
        module: the program.
        arguments: its arguments.
        given: what it can read.
        seconds: how long it may take at most, or it is killed and a TimeoutError is raised.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments), stdin=PIPE, stdout=PIPE
    )
    try:
        async with asyncio.timeout(seconds):
            told, _ = await process.communicate(given)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, f"{module} has failed"
    return told


def resident_mb(pid: int, line: str = "VmRSS") -> float:
    """Tell how much memory it holds (VmHWM: has held at most), MB of 1024 x 1024 bytes."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    (kilobytes,) = (one.split()[1] for one in status if one.startswith(f"{line}:"))
    return int(kilobytes) / 1024


def processor_seconds(pid: int) -> float:
    """Tell for how long it has used a processor, in its own code and in the kernel's."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS
