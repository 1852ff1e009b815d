"""The command `jarvis`, as the tests start it."""

import sys

JARVIS = (sys.executable, "-c", "import sys; from jarvis.cli.main import main; sys.exit(main())")
