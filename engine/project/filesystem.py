"""What kind of place a project lies in: a network drive, a folder that cannot be written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

NETWORK_TYPES = frozenset((
    "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afpfs", "webdav", "davfs", "9p", "afs", "ncpfs", "ceph",
    "lustre", "gpfs", "beegfs", "orangefs", "fuse.sshfs", "fuse.rclone", "fuse.davfs", "fuse.gvfsd-fuse",
    "fuse.glusterfs", "fuse.s3fs",
))  # fmt: skip


def is_network_drive(folder: Path) -> bool:
    """Whether `folder` lies on a drive shared over a network, as far as the system tells."""
    try:
        folder = Path(folder).resolve()
        if sys.platform == "win32":
            return _windows_remote(folder)
        kind = filesystem_type(folder, mount_table())
    except (OSError, subprocess.SubprocessError):
        return False
    return kind in NETWORK_TYPES


def filesystem_type(folder: Path, mounts: list[tuple[str, str]]) -> str:
    """Type of the file system that holds `folder`; `mounts` is ``(mount point, type)``, later ones on top."""
    best, kind = -1, ""
    for point, name in mounts:
        if folder.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), name
    return kind


def mount_table() -> list[tuple[str, str]]:
    """Mount points and their types on Linux and macOS; empty where the system does not say."""
    table = Path("/proc/self/mountinfo")
    if table.exists():
        return [_linux_mount(line) for line in table.read_text(encoding="utf-8", errors="replace").splitlines()]
    if sys.platform == "darwin":
        listing = subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=5, check=False).stdout
        return re.findall(r"^.+? on (.+) \((\w+)[,)]", listing, flags=re.MULTILINE)
    return []


def _linux_mount(line: str) -> tuple[str, str]:
    # man 5 proc: "36 35 98:0 /root /mount/point options optional... - type source options"
    left, _, right = line.partition(" - ")
    point = re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), left.split(" ")[4])
    return point, right.split(" ")[0]


def _windows_remote(folder: Path) -> bool:
    import ctypes

    if str(folder).startswith("\\\\"):
        return True
    drive_remote = 4
    return bool(ctypes.windll.kernel32.GetDriveTypeW(folder.anchor) == drive_remote)  # type: ignore[attr-defined,unused-ignore]


def can_write(folder: Path, file: Path) -> bool:
    """Whether files can be made in `folder` and `file`, which lies there, can be changed.

    `file` is not opened: closing it would free the locks SQLite holds on it in this process.
    """
    probe = Path(folder) / f".write-test-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return os.access(file, os.W_OK)
