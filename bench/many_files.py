#!/usr/bin/env python3
"""Makes a tree of FILES files with SIZE MiB together, the same on every run: many_files.py FILES SIZE DIRECTORY.

Half of each file is text, half does not compress; a file in a hundred is ten times as large as the others.
"""

import os
import random
import sys


def main():
    count, size, root = int(sys.argv[1]), int(sys.argv[2]) << 20, sys.argv[3]
    rng = random.Random(1)
    words = [bytes(rng.choices(b"etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(2000)]
    unit = size / (count + count // 100 * 9)
    for number in range(count):
        length = int(unit * (10 if number % 100 == 0 else 1))
        folder = f"{root}/{number % 40:02}/{number // 40 % 25:02}"
        os.makedirs(folder, exist_ok=True)
        text = b" ".join(rng.choices(words, k=length // 12))[: length // 2]
        with open(f"{folder}/{number:05}", "wb") as out:
            out.write(text)
            out.write(rng.randbytes(length - len(text)))


if __name__ == "__main__":
    main()
