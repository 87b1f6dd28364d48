"""The pages of a demo clinic of our own, driven by a browser."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.lab.clients import PASSWORD
from tests.lab.demo import Demo

with tempfile.TemporaryDirectory() as folder:
    demo = Demo(folder)
    demo.start()
    try:
        done = subprocess.run([str(Path(__file__).with_name("run")), demo.url, "--password", PASSWORD, *sys.argv[1:]], check=False)
    finally:
        demo.stop()
sys.exit(done.returncode)
