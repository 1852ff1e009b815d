"""The command line. Modules that are slow to import are imported inside the commands that need them."""

import signal
import sys
from pathlib import PurePath

# Until `main` can handle it, Ctrl-C in the command itself ends it without a traceback of what is imported.
# Whoever else imports this, such as a child of the server, keeps what it has.
_started = PurePath(getattr(sys.modules["__main__"], "__file__", None) or "").name
if _started == "jarvis" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
