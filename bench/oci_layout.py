"""Cuts a directory into layers: oci_layout.py ROOT LAYERS LAYOUT writes an OCI layout with the image `bench`.

The files go to the layers in turn, in the order of their paths, and each layer is compressed with gzip -6, as
most tools do it.
"""

import hashlib
import json
import os
import subprocess
import sys

root, count, layout = sys.argv[1], int(sys.argv[2]), sys.argv[3]
blobs = os.path.join(layout, "blobs", "sha256")
os.makedirs(blobs)


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def put(path, kind):
    digest, size = digest_of(path), os.path.getsize(path)
    os.rename(path, os.path.join(blobs, digest))
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": size}


def put_json(value, kind):
    path = os.path.join(layout, "document")
    with open(path, "w") as file:
        json.dump(value, file)
    return put(path, kind)


paths = []
for folder, _, names in os.walk(root):
    paths.extend(os.path.relpath(os.path.join(folder, name), root) for name in names)
paths.sort()
diff_ids, layers = [], []
for number in range(count):
    tar = os.path.join(layout, "layer.tar")
    names = "\0".join(paths[number::count])
    subprocess.run(["tar", "-cf", tar, "-C", root, "--null", "-T", "-"], input=names.encode(), check=True)
    diff_ids.append("sha256:" + digest_of(tar))
    subprocess.run(["gzip", "-n", tar], check=True)
    layers.append(put(tar + ".gz", "layer.v1.tar+gzip"))
machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
config = {"architecture": machine, "os": "linux", "config": {"Cmd": ["/bin/true"]}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
manifest = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": put_json(config, "config.v1+json"),
    "layers": layers,
}
image = put_json(manifest, "manifest.v1+json")
image["annotations"] = {"org.opencontainers.image.ref.name": "bench"}
with open(os.path.join(layout, "index.json"), "w") as file:
    json.dump({"schemaVersion": 2, "manifests": [image]}, file)
with open(os.path.join(layout, "oci-layout"), "w") as file:
    file.write('{"imageLayoutVersion": "1.0.0"}')
