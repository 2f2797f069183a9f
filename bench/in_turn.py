#!/usr/bin/env python3
"""Times whole commands in turn and prints medians and ratios to the first.

in_turn.py RUNS BUDGET NAME COMMAND NAME COMMAND ...

COMMAND is split as a shell splits words; %d in it becomes a number that no other run has. A command that
fails ends the measurement. BUDGET is what the first may take of the second.

WARMUPS in the environment is the number of runs that do not count (3); with SETTLE, what is left to be
written to disk is written before each run.
"""

import os
import shlex
import statistics
import sys
import time


def timed(words):
    """Seconds from start to end of a command whose output is thrown away."""
    quiet = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
    start = time.perf_counter()
    pid = os.posix_spawnp(words[0], words, os.environ, file_actions=quiet)
    _, status = os.waitpid(pid, 0)
    elapsed = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{shlex.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return elapsed


def main():
    runs, budget = int(sys.argv[1]), float(sys.argv[2])
    warmups = int(os.environ.get("WARMUPS", "3"))
    commands = list(zip(sys.argv[3::2], sys.argv[4::2]))
    times = {name: [] for name, _ in commands}
    for run in range(-warmups, runs):
        for name, command in commands:
            words = [word.replace("%d", str(run + warmups)) for word in shlex.split(command)]
            if os.environ.get("SETTLE"):
                os.sync()
            elapsed = timed(words)
            if run >= 0:
                times[name].append(elapsed * 1000)
    medians = {name: statistics.median(values) for name, values in times.items()}
    first, second = list(medians)[:2]
    for name, median in medians.items():
        low, high = min(times[name]), max(times[name])
        ratio = medians[first] / median
        print(f"  {name:8} median {median:7.2f} ms  (min {low:.2f}, max {high:.2f})  {first}/{name} = {ratio:.2f}")
    ratio = medians[first] / medians[second]
    verdict = "met" if ratio <= budget else "MISSED"
    print(f"  budget {first}/{second} <= {budget:.2f}: {ratio:.2f}, {verdict}")


if __name__ == "__main__":
    main()
