#!/usr/bin/env python3
"""Times whole commands in turn and prints medians and ratios to the first.

in_turn.py RUNS BUDGET NAME COMMAND NAME COMMAND ...

COMMAND is split as a shell splits words; %d in it becomes a number that no other run has. A command that
fails ends the measurement. BUDGET is what the first may take: a part of the second (0.45), so many
milliseconds more than it (+20), or so many milliseconds by itself (=100).

WARMUPS in the environment is the number of runs that do not count (3); BEFORE is a shell command to run
before each run, untimed; with SETTLE, what is left to be written to disk is written then. With
MOST_MEMORY, the first may take so many MiB at its peak.
"""

import os
import shlex
import statistics
import subprocess
import sys
import time


def timed(words):
    """Milliseconds from start to end of a command whose output is thrown away, those of processors, and
    the peak of memory in MiB of the largest of its processes."""
    quiet = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
    start = time.perf_counter()
    pid = os.posix_spawnp(words[0], words, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    elapsed = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{shlex.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return elapsed * 1000, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024


def verdict(met):
    return "met" if met else "MISSED"


def main():
    runs, budget = int(sys.argv[1]), sys.argv[2]
    warmups = int(os.environ.get("WARMUPS", "3"))
    commands = list(zip(sys.argv[3::2], sys.argv[4::2]))
    measured = {name: [] for name, _ in commands}
    for run in range(-warmups, runs):
        for name, command in commands:
            words = [word.replace("%d", str(run + warmups)) for word in shlex.split(command)]
            if os.environ.get("BEFORE"):
                subprocess.run(os.environ["BEFORE"], shell=True, check=True)
            if os.environ.get("SETTLE"):
                os.sync()
            numbers = timed(words)
            if run >= 0:
                measured[name].append(numbers)
    times = {name: [elapsed for elapsed, _, _ in rows] for name, rows in measured.items()}
    medians = {name: statistics.median(values) for name, values in times.items()}
    peaks = {name: max(peak for _, _, peak in rows) for name, rows in measured.items()}
    first, second = list(medians)[:2]
    for name, median in medians.items():
        low, high = min(times[name]), max(times[name])
        processors = statistics.median(used for _, used, _ in measured[name])
        ratio = medians[first] / median
        print(
            f"  {name:8} median {median:7.2f} ms  (min {low:.2f}, max {high:.2f})  {first}/{name} = {ratio:.2f}"
            f"  processors {processors:.0f} ms, memory {peaks[name]:.0f} MiB"
        )
    if budget.startswith("+"):
        more = medians[first] - medians[second]
        print(f"  budget {first} <= {second} {budget} ms: +{more:.1f}, {verdict(more <= float(budget))}")
    elif budget.startswith("="):
        most = float(budget[1:])
        print(f"  budget {first} <= {most:.0f} ms: {medians[first]:.1f}, {verdict(medians[first] <= most)}")
    else:
        ratio, most = medians[first] / medians[second], float(budget)
        print(f"  budget {first}/{second} <= {most:.2f}: {ratio:.2f}, {verdict(ratio <= most)}")
    if os.environ.get("MOST_MEMORY"):
        most = float(os.environ["MOST_MEMORY"])
        print(f"  budget memory of {first} <= {most:.0f} MiB: {peaks[first]:.1f}, {verdict(peaks[first] <= most)}")


if __name__ == "__main__":
    main()
