#!/usr/bin/env python3
"""Makes a root file system to measure with: the same files on every run.

rootfs.py MIB DIRECTORY PACKAGES

Of the bytes two fifths are text, two fifths programs (out of the Debian packages unpacked in PACKAGES), a
tenth files of a few KiB, and a tenth does not compress. Slices of larger pools follow one another, at
distances that gzip does not see.
"""

import os
import random
import sys

MIB = 1 << 20
TIME = 1_600_000_000


def text(source, size):
    """Lines of words, which compress like prose and logs."""
    words = ["".join(source.choices("etaoinshrdlucmfw", k=source.randint(2, 10))) for _ in range(4000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    lines = []
    length = 0
    while length < size:
        line = f"{source.randrange(10**6):06} " + " ".join(source.choices(words, weights, k=12)) + "\n"
        lines.append(line)
        length += len(line)
    return "".join(lines).encode()[:size]


def programs(packages, size):
    """The contents of the packages' files, largest first."""
    paths = [os.path.join(top, name) for top, _, names in os.walk(packages) for name in names]
    paths = [path for path in paths if os.path.isfile(path) and not os.path.islink(path)]
    paths.sort(key=lambda path: (-os.path.getsize(path), path))
    pool = b""
    for path in paths:
        with open(path, "rb") as file:
            pool += file.read()
        if len(pool) >= size:
            break
    if len(pool) < MIB:
        sys.exit(f"{packages} holds no packages; run `make packages`")
    return pool[:size]


def main():
    size, top, packages = int(sys.argv[1]) * MIB, sys.argv[2], sys.argv[3]
    source = random.Random(1)
    noise = source.randbytes(16 * MIB)
    pools = {"text": text(source, 4 * MIB), "programs": programs(packages, 64 * MIB), "noise": noise}
    kinds = [
        ("usr/share/doc", "text", size * 2 // 5, 64 << 10, 4 * MIB),
        ("usr/bin", "programs", size * 2 // 5, 256 << 10, 48 * MIB),
        ("etc", "text", size // 20, 100, 8 << 10),
        ("usr/lib/modules", "programs", size // 20, 100, 8 << 10),
        ("usr/share/media", "noise", size // 10, 256 << 10, 8 * MIB),
    ]
    for folder, pool_name, total, least, most in kinds:
        pool = pools[pool_name]
        number = 0
        while total > 0:
            length = min(source.randint(least, most), total, len(pool))
            start = source.randrange(len(pool) - length + 1)
            path = os.path.join(top, folder, f"{number // 100:03}")
            os.makedirs(path, exist_ok=True)
            with open(os.path.join(path, f"file-{number:06}"), "wb") as file:
                file.write(pool[start : start + length])
            total -= length
            number += 1
    for path, folders, names in os.walk(top, topdown=False):
        for name in names + folders:
            os.utime(os.path.join(path, name), (TIME, TIME), follow_symlinks=False)
    os.utime(top, (TIME, TIME))


if __name__ == "__main__":
    main()
