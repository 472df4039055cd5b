"""Functions for a chat in the terminal: `tool-gateway run --tools examples/tools.py`."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo


def get_time(zone: str = "UTC") -> str:
    """Get the current date and time in a time zone.

    Args:
        zone: The name of the zone, such as Europe/Paris
    """
    return datetime.now(ZoneInfo(zone)).strftime("%A, %d %B %Y, %H:%M")


def list_files(folder: str = ".") -> list[str]:
    """List the files in a folder.

    Args:
        folder: The path of the folder
    """
    return sorted(path.name for path in Path(folder).iterdir() if path.is_file())
