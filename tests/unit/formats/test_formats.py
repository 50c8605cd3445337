"""The package of formats costs nothing to import."""

import subprocess
import sys


def test_lark_waits_for_a_script() -> None:
    """Importing the formats does not load lark, which only scripts need."""
    program = "import sys, postwarden.formats; print('lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
