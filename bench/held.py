#!/usr/bin/env python3
"""Prints the memory that running pods hold of their own, apart from what their apps hold.

held.py PODS-RUN-DIRECTORY

For each pod: the private memory of the supervisor, which the file `ppid` names, and of its first child, in
KiB, as smaps_rollup counts it; then the medians over all pods.
"""

import os
import statistics
import sys


def private(pid):
    """KiB that nobody else shares."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        fields = (line.split() for line in rollup if line.startswith("Private_"))
        return sum(int(field[1]) for field in fields)


def main():
    top = sys.argv[1]
    supervisors, inits = [], []
    for pod in os.listdir(top):
        with open(os.path.join(top, pod, "ppid"), encoding="ascii") as file:
            supervisor = file.read().strip()
        with open(f"/proc/{supervisor}/task/{supervisor}/children", encoding="ascii") as file:
            init = file.read().split()[0]
        supervisors.append(private(supervisor))
        inits.append(private(init))
    both = statistics.median(map(sum, zip(supervisors, inits)))
    verdict = "met" if both <= 2048 else "MISSED"
    print(
        f"  {len(inits)} pods: supervisor {statistics.median(supervisors):.0f} KiB, "
        f"init {statistics.median(inits):.0f} KiB, together {both:.0f} KiB"
    )
    print(f"  budget 2048 KiB of private memory per running pod: {verdict}")


if __name__ == "__main__":
    main()
