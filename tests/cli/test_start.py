from __future__ import annotations

import signal
import subprocess
import sys

INTERRUPTED_IMPORT = """
import os, signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == "gateway.cli.main":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
from gateway.cli.start import main
main()
"""


def test_ctrl_c_ends_a_command_that_is_still_imported_without_a_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_IMPORT], capture_output=True)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")
