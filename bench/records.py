#!/usr/bin/env python3
"""Fills a store with records of images, made after one that it has, for measuring listings.

records.py DATA_DIRECTORY COUNT

Afterwards there are COUNT images in all, under names of their own, that share one blob and tree.
"""

import hashlib
import json
import os
import sys


def main():
    images, count = os.path.join(sys.argv[1], "store", "images"), int(sys.argv[2])
    names = sorted(os.listdir(images))
    with open(os.path.join(images, names[0])) as file:
        record = json.load(file)
    for number in range(len(names), count):
        hexes = hashlib.sha512(str(number).encode()).hexdigest()
        record["id"] = f"sha512-{hexes}"
        record["name"] = f"bench.test/group-{number % 50}/image-{number}"
        record["labels"] = [{"name": "version", "value": f"1.{number}.0"}]
        record["layers"][0]["diffId"] = f"sha512:{hexes}"
        record["importTime"] += 1_000_000_000
        record["lastUsed"] = record["importTime"]
        with open(os.path.join(images, record["id"] + ".json"), "w") as file:
            json.dump(record, file, indent=2)


if __name__ == "__main__":
    main()
