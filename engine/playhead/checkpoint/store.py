"""Where checkpoints live: whole files by name, on any file system of Arrow's or in memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Protocol

import pyarrow as pa
from pyarrow import fs


class Store(Protocol):
    """Files by name ("state/x.arrow"); each is there whole or not at all, and none is ever changed."""

    description: str
    """Where it is, for messages."""

    def write(self, name: str, parts: Sequence[Any]) -> None:
        """Write a file that consists of these buffers; replaces one of the same name."""
        ...

    def read(self, name: str) -> pa.Buffer:
        """The whole file; FileNotFoundError if there is none."""
        ...

    def names(self, folder: str) -> list[str]:
        """The files of a folder as "folder/name", sorted; none if there is no such folder."""
        ...

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in a folder, sorted."""
        ...

    def delete(self, names: Sequence[str]) -> None:
        """Delete files; those that are not there are no error."""
        ...

    def child(self, folder: str) -> Store:
        """The store of a folder in this one."""
        ...


class FileStore:
    """A folder on a file system. On a local disk files are synced and renamed; object stores put them whole."""

    def __init__(self, filesystem: fs.FileSystem, root: str) -> None:
        self.filesystem, self.root = filesystem, root.rstrip("/")
        self.local = isinstance(filesystem, fs.LocalFileSystem)
        self.description = self.root if self.local else f"{filesystem.type_name}:{self.root}"
        self._folders: set[str] = set()

    def write(self, name: str, parts: Sequence[Any]) -> None:
        path = self._path(name)
        folder, _, base = path.rpartition("/")
        if folder not in self._folders:
            self.filesystem.create_dir(folder, recursive=True)
            self._folders.add(folder)
        temporary = f"{folder}/.{base}.{os.getpid()}.tmp" if self.local else path
        try:
            with self.filesystem.open_output_stream(temporary) as stream:
                for part in parts:
                    stream.write(part)
            if self.local:
                _sync(temporary)
                self.filesystem.move(temporary, path)
                _sync(folder)
        except BaseException:
            if self.local and os.path.exists(temporary):
                os.unlink(temporary)
            raise

    def read(self, name: str) -> pa.Buffer:
        with self.filesystem.open_input_file(self._path(name)) as file:
            return file.read_buffer()

    def names(self, folder: str) -> list[str]:
        return [f"{folder}/{info.base_name}" for info in self._inside(folder) if info.type == fs.FileType.File]

    def folders(self, folder: str) -> list[str]:
        return [info.base_name for info in self._inside(folder) if info.type == fs.FileType.Directory]

    def delete(self, names: Sequence[str]) -> None:
        for name in names:
            if self.filesystem.get_file_info(self._path(name)).type == fs.FileType.File:
                self.filesystem.delete_file(self._path(name))

    def child(self, folder: str) -> FileStore:
        return FileStore(self.filesystem, self._path(folder))

    def _inside(self, folder: str) -> list[fs.FileInfo]:
        selector = fs.FileSelector(self._path(folder), allow_not_found=True)
        infos: list[fs.FileInfo] = sorted(self.filesystem.get_file_info(selector), key=lambda info: info.path)
        return [info for info in infos if not info.base_name.startswith(".")]

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}" if name else self.root


class MemoryStore:
    """Files in memory: for `seek` without a place on disk, and for simulated failures."""

    description = "memory"

    def __init__(self) -> None:
        self.files: dict[str, pa.Buffer] = {}

    def write(self, name: str, parts: Sequence[Any]) -> None:
        self.files[name] = pa.py_buffer(b"".join(bytes(part) for part in parts))

    def read(self, name: str) -> pa.Buffer:
        if name not in self.files:
            raise FileNotFoundError(name)
        return self.files[name]

    def names(self, folder: str) -> list[str]:
        inside = [name for name in self.files if name.rpartition("/")[0] == folder]
        return sorted(inside)

    def folders(self, folder: str) -> list[str]:
        prefix = f"{folder}/" if folder else ""
        inside = {name[len(prefix) :].split("/")[0] for name in self.files if name.startswith(prefix)}
        return sorted(each for each in inside if any(name.startswith(f"{prefix}{each}/") for name in self.files))

    def delete(self, names: Sequence[str]) -> None:
        for name in names:
            self.files.pop(name, None)

    def child(self, folder: str) -> Store:
        return _Part(self, folder)


class _Part(MemoryStore):
    """A folder of a memory store."""

    def __init__(self, whole: MemoryStore, folder: str) -> None:
        self.whole, self.folder = whole, folder

    def write(self, name: str, parts: Sequence[Any]) -> None:
        self.whole.write(f"{self.folder}/{name}", parts)

    def read(self, name: str) -> pa.Buffer:
        return self.whole.read(f"{self.folder}/{name}")

    def names(self, folder: str) -> list[str]:
        length = len(self.folder) + 1
        return [name[length:] for name in self.whole.names(f"{self.folder}/{folder}" if folder else self.folder)]

    def folders(self, folder: str) -> list[str]:
        return self.whole.folders(f"{self.folder}/{folder}" if folder else self.folder)

    def delete(self, names: Sequence[str]) -> None:
        self.whole.delete([f"{self.folder}/{name}" for name in names])

    def child(self, folder: str) -> Store:
        return _Part(self.whole, f"{self.folder}/{folder}")


def _sync(path: str) -> None:
    """Let the disk have what was written, so that it outlives the machine's power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
