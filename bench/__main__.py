"""`python -m bench [--quick]`: prepare the interpreter to be measured, then run everything under it."""

import os
import sys

from bench.interpreter import ROOT, prepared

if __name__ == "__main__":
    python = str(prepared().path)
    os.chdir(ROOT)
    os.execv(python, [python, "-m", "bench.campaign", *sys.argv[1:]])
