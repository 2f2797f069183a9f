#!/usr/bin/env python3
"""Fills a data directory with exited pods, copies of one that it has, for measuring with many.

pods.py DATA_DIRECTORY COUNT

Afterwards there are COUNT exited pods in all, each with a UUID of its own.
"""

import os
import shutil
import sys
import uuid


def main():
    run, count = os.path.join(sys.argv[1], "pods", "run"), int(sys.argv[2])
    there = os.listdir(run)
    for _ in range(len(there), count):
        shutil.copytree(os.path.join(run, there[0]), os.path.join(run, str(uuid.uuid4())), symlinks=True)


if __name__ == "__main__":
    main()
