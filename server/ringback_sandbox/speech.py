import asyncio
import contextlib
import shutil
import struct
from functools import cached_property

_TIMEOUT_S = 20.0
_KEPT = 4


class Speech:
    """Prompts spoken by espeak-ng where it is installed."""

    def __init__(self) -> None:
        self._waves: dict[str, bytes] = {}
        self._lock = asyncio.Lock()

    @cached_property
    def _command(self) -> str | None:
        return shutil.which("espeak-ng")

    @property
    def available(self) -> bool:
        """Whether a voice is installed."""
        return self._command is not None

    async def wave(self, text: str) -> bytes | None:
        """`text` spoken, as a WAV file; None when there is no voice or it failed."""
        if self._command is None:
            return None
        async with self._lock:
            wave = self._waves.get(text) or await _speak(self._command, text)
            if wave is not None:
                self._waves[text] = wave
                while len(self._waves) > _KEPT:
                    del self._waves[next(iter(self._waves))]
        return wave


async def _speak(command: str, text: str) -> bytes | None:
    # The text goes through standard input: on the command line every user of the machine could read it.
    process = await asyncio.create_subprocess_exec(
        command,
        "--stdin",
        "--stdout",
        "-s",
        "150",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        wave, _ = await asyncio.wait_for(process.communicate(text.encode("utf-8")), _TIMEOUT_S)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return _with_sizes(wave) if process.returncode == 0 else None


def _with_sizes(wave: bytes) -> bytes | None:
    """Correct the sizes in the header, which a program that writes to a pipe cannot know."""
    if not wave.startswith(b"RIFF") or wave[36:40] != b"data":
        return None
    whole = bytearray(wave)
    struct.pack_into("<I", whole, 4, len(whole) - 8)
    struct.pack_into("<I", whole, 40, len(whole) - 44)
    return bytes(whole)
