#!/usr/bin/env python3
"""Times many commands started at once, tool by tool in turn, and prints medians and ratios to the first.

burst.py ROUNDS COUNT NAME COMMAND NAME COMMAND ...

In each round each tool has COUNT of its commands started one after the other without waiting, and the time
runs from the first start to the last end. COMMAND is split as a shell splits words; %d in it becomes a
number that no other command has. A command that fails ends the measurement.
"""

import os
import shlex
import statistics
import sys
import time


def burst(command, numbers):
    """Seconds until all are done."""
    quiet = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
    start = time.perf_counter()
    pids = []
    for number in numbers:
        words = [word.replace("%d", str(number)) for word in shlex.split(command)]
        pids.append(os.posix_spawnp(words[0], words, os.environ, file_actions=quiet))
    failed = [status for status in (os.waitpid(pid, 0)[1] for pid in pids) if status]
    elapsed = time.perf_counter() - start
    if failed:
        first = os.waitstatus_to_exitcode(failed[0])
        sys.exit(f"{len(failed)} of {len(pids)} {command} failed, one with {first}")
    return elapsed


def main():
    rounds, count = int(sys.argv[1]), int(sys.argv[2])
    commands = list(zip(sys.argv[3::2], sys.argv[4::2]))
    times = {name: [] for name, _ in commands}
    for number in range(rounds):
        for name, command in commands:
            times[name].append(burst(command, range(number * count, (number + 1) * count)))
    medians = {name: statistics.median(values) for name, values in times.items()}
    first = next(iter(medians.values()))
    for name, median in medians.items():
        low, high = min(times[name]), max(times[name])
        print(f"  {name:8} median {median:6.2f} s  (min {low:.2f}, max {high:.2f})  ratio {first / median:.3f}")


if __name__ == "__main__":
    main()
