#!/usr/bin/env python3
"""Runs real servers with many subscribers of live changes, kills them, and says what the subscribers missed.

    Tests/Live/live.py PROGRAM [--no-crash] [--figures] [--build release]

`--crash`, on by default: 1,000 readers of event streams on SQLite and on two servers with one PostgreSQL, while servers and
database are killed. Every acknowledged change is heard of by everybody, an idle server rests, and nothing is left of readers
that have gone. `--figures` measures 10,000 idle subscriptions, the time from a commit to its hint, and a hot tenant with
subscribers. It exits 1 when a promise is broken. Only the standard library is used.
"""

import argparse
import os
import signal
import sys
import time

from crash import crash
from figures import figures
from servers import Place, raise_descriptors


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--crash", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--figures", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--readers", type=int, default=1_000, help="subscribers of the crash part")
    parser.add_argument("--rate", type=float, default=4, help="batches a second of all writers of the crash part")
    parser.add_argument("--idle", type=int, default=10_000, help="idle subscriptions of the figures")
    parser.add_argument("--build", default="debug", help="the word for the build, printed beside the figures")
    options = parser.parse_args()
    # So that everything that was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    raise_descriptors()
    began = time.monotonic()
    place = Place(options.program)
    faults = []
    try:
        if options.crash:
            faults += crash(place, options)
        if options.figures:
            faults += figures(place, options)
    finally:
        place.stop()
    print(f"\n{time.monotonic() - began:.0f} s, load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for fault in faults[:20]:
        print("  broken: " + fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
