"""An archive of one image, which `ctr images import`, `docker load` and `podman load` take.

It is an OCI image layout (index.json) with the table that `docker save` writes (manifest.json)
beside it, for engines that know no OCI archives.
"""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_OCI: Final = "application/vnd.oci.image."
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


def full_name(name: str) -> str:
    """The reference with registry and tag, as container engines complete it."""
    first, slash, _ = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif not ("." in first or ":" in first or first == "localhost"):
        name = f"docker.io/{name}"
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


@dataclass(frozen=True, slots=True)
class _Blob:
    media_type: str
    data: bytes

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"

    @property
    def path(self) -> str:
        return "blobs/" + self.digest.replace(":", "/")

    def descriptor(self) -> dict[str, object]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def write(
    output: Path, names: Sequence[str], layers: Sequence[bytes], config: Mapping[str, object]
) -> None:
    """Write the archive; the same layers, names and configuration give the same bytes.

    Args:
        output: the file, replaced if it exists.
        names: references of the image, such as ``fairlead:dev``.
        layers: uncompressed tars, the lowest first.
        config: what containers run: Entrypoint, Env, User … as in the OCI image specification.
    """
    blobs = [_Blob(f"{_OCI}layer.v1.tar", data) for data in layers]
    image = _Blob(
        f"{_OCI}config.v1+json",
        _json(
            {
                "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
                "os": "linux",
                "config": config,
                "rootfs": {"type": "layers", "diff_ids": [blob.digest for blob in blobs]},
            }
        ),
    )
    manifest = _Blob(
        f"{_OCI}manifest.v1+json",
        _json(
            {
                "schemaVersion": 2,
                "mediaType": f"{_OCI}manifest.v1+json",
                "config": image.descriptor(),
                "layers": [blob.descriptor() for blob in blobs],
            }
        ),
    )
    wanted = [full_name(name) for name in names]
    manifests = [
        manifest.descriptor()
        | {
            "annotations": {
                "io.containerd.image.name": name,
                "org.opencontainers.image.ref.name": name.rpartition(":")[2],
            }
        }
        for name in wanted
    ]
    index = {"schemaVersion": 2, "mediaType": f"{_OCI}index.v1+json", "manifests": manifests}
    table = [{"Config": image.path, "RepoTags": wanted, "Layers": [blob.path for blob in blobs]}]
    files = {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json(index),
        "manifest.json": _json(table),
    } | {blob.path: blob.data for blob in (manifest, image, *blobs)}
    output.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(output, "w", format=tarfile.GNU_FORMAT) as tar:
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
