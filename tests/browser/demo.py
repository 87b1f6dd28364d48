"""The pages of a demo clinic of our own, driven by a browser."""

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.lab.clients import PASSWORD  # noqa: E402
from tests.lab.demo import Demo  # noqa: E402

with tempfile.TemporaryDirectory() as folder:
    demo = Demo(folder)
    demo.start()
    try:
        done = subprocess.run([str(Path(__file__).with_name("run")), demo.url, "--password", PASSWORD, *sys.argv[1:]], check=False)
    finally:
        demo.stop()
sys.exit(done.returncode)
