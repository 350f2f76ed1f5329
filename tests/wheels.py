"""Programs that Debian 12 does not package: `scripts/real-parts` brings each in a wheel, in a folder of its own."""

import os
import shutil
from pathlib import Path

TESTS = Path(__file__).resolve().parent


def found_program(variable: str, folder: str, inside: str) -> str | None:
    """The one that the environment names, the one of the wheel in `tests/FOLDER`, or the one that is installed."""
    brought = sorted((TESTS / folder / ".venv").glob(f"lib/python*/site-packages/{inside}"))
    return shutil.which(os.environ.get(variable) or (str(brought[0]) if brought else Path(inside).name))
