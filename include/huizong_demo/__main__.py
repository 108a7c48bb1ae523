"""`python -m huizong_demo [--serve]`."""

import sys

from huizong_demo.run import run_demo

if __name__ == "__main__":
    sys.exit(run_demo(keep_serving="--serve" in sys.argv[1:]))
