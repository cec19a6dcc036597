"""Which files a path means: a file, a folder, a glob, a URI or a list of those, on any Arrow file system."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
from pyarrow import fs

from playhead.errors import DataError, PlanError

GLOB = re.compile(r"[*?\[]")
UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".inprogress", "~")
"""Ends of names under which programs write files that are not complete yet."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was when it was found."""

    path: str
    size: int
    changed: int
    """Nanoseconds since 1970, or 0 where the file system does not say."""


@dataclass(frozen=True)
class FileSet:
    """What the user pointed at; `find` looks again."""

    filesystem: fs.FileSystem
    patterns: tuple[str, ...]
    endings: tuple[str, ...]
    """How names of files in folders end, such as ".parquet"."""

    @property
    def name(self) -> str:
        """For messages: the last part of the first path."""
        last = PurePosixPath(self.patterns[0]).name or self.patterns[0]
        return last if len(self.patterns) == 1 else f"{last} and {len(self.patterns) - 1} more"

    def find(self, *, empty_is_fine: bool = False) -> list[File]:
        """The files there are, each once, in the order of their names."""
        found: dict[str, File] = {}
        for pattern in self.patterns:
            matches = self._matches(pattern)
            if not matches and not empty_is_fine:
                raise DataError(self._nothing(pattern))
            found.update((match.path, match) for match in matches)
        return sorted(found.values(), key=lambda file: file.path)

    def _matches(self, pattern: str) -> list[File]:
        if self._is_glob(pattern):
            regex = _glob_regex(pattern)
            return [file for file in self._under(_fixed_part(pattern)) if regex.fullmatch(file.path)]
        info = self.filesystem.get_file_info(pattern)
        if info.type == fs.FileType.Directory:
            return [file for file in self._under(pattern) if file.path.lower().endswith(self.endings)]
        return [_file(info)] if info.type == fs.FileType.File else []

    def _is_glob(self, pattern: str) -> bool:
        return bool(GLOB.search(pattern)) and self.filesystem.get_file_info(pattern).type == fs.FileType.NotFound

    def _under(self, folder: str) -> Iterable[File]:
        selector = fs.FileSelector(folder, recursive=True, allow_not_found=True)
        for info in self.filesystem.get_file_info(selector):
            inner = info.path[len(folder) :].strip("/")
            hidden = any(part.startswith((".", "_")) for part in inner.split("/"))
            if info.type == fs.FileType.File and not hidden and not info.path.endswith(UNFINISHED):
                yield _file(info)

    def _nothing(self, pattern: str) -> str:
        if self._is_glob(pattern):
            folder = _fixed_part(pattern)
            return f"no file matches {pattern!r}{self._neighbours(folder, PurePosixPath(pattern).name)}"
        if self.filesystem.get_file_info(pattern).type == fs.FileType.Directory:
            ends = " or ".join(self.endings)
            return f"no file that ends with {ends} in the folder {pattern!r}{self._neighbours(pattern, '')}"
        folder, _, last = pattern.rpartition("/")
        folder = folder or ("/" if pattern.startswith("/") else ".")
        return f"no file or folder {pattern!r}{self._neighbours(folder, last)}"

    def _neighbours(self, folder: str, name: str) -> str:
        """What stands where the user looked, the most similar names first."""
        if self.filesystem.get_file_info(folder).type != fs.FileType.Directory:
            return f"; the folder {folder!r} does not exist either"
        found = [PurePosixPath(info.path).name for info in self.filesystem.get_file_info(fs.FileSelector(folder))]
        ending = PurePosixPath(name).suffix
        names = sorted(
            (each for each in found if not each.startswith(".")),
            key=lambda each: (not (bool(ending) and each.endswith(ending)), each),
        )
        near = get_close_matches(name, names, n=3)
        if near:
            return f"; did you mean {' or '.join(repr(each) for each in near)}?"
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        return f"; in {folder!r} there is {shown or 'nothing'}"


def file_set(path: Any, filesystem: fs.FileSystem | None, endings: Sequence[str]) -> FileSet:
    """What `path` means; nothing is looked for yet."""
    paths = list(path) if isinstance(path, list | tuple) else [path]
    if not paths:
        raise PlanError("an empty list of paths names no file")
    for each in paths:
        if not isinstance(each, str | os.PathLike):
            raise PlanError(f"a path is text or a pathlib.Path, not {each!r}")
    texts = [os.fspath(each) for each in paths]
    for text in texts:
        if texts.count(text) > 1:
            raise PlanError(f"{text!r} is named twice; a file is read once")
    if filesystem is None and any("://" in text for text in texts):
        pairs = [_from_uri(text) for text in texts]
        if any(other != pairs[0][0] for other, _ in pairs):
            raise PlanError(f"the paths {texts} are on different file systems; read them apart and concat them")
        return FileSet(pairs[0][0], tuple(inner for _, inner in pairs), tuple(endings))
    if filesystem is None:
        texts = [os.path.abspath(os.path.expanduser(text)) for text in texts]
    return FileSet(filesystem or fs.LocalFileSystem(), tuple(text.rstrip("/") or "/" for text in texts), tuple(endings))


def _from_uri(text: str) -> tuple[fs.FileSystem, str]:
    """Globs are no part of a URI: they are cut off before it is parsed, and put back."""
    wild = GLOB.search(text)
    cut = text.rfind("/", 0, wild.start()) if wild else len(text)
    try:
        filesystem, inner = fs.FileSystem.from_uri(text[:cut])
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"cannot use the address {text!r}: {error}") from error
    return filesystem, (inner + text[cut:]).rstrip("/")


def _fixed_part(pattern: str) -> str:
    """The folder above the first wildcard."""
    wild = GLOB.search(pattern)
    folder = pattern[: wild.start()].rpartition("/")[0] if wild else pattern
    return folder or ("/" if pattern.startswith("/") else ".")


def _glob_regex(pattern: str) -> re.Pattern[str]:
    """`*` and `?` stay within a folder, `**` goes into folders, `[...]` is one of some characters."""
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[!?[^\]]+\])", pattern)
    for index, part in enumerate(parts):
        if index % 2 == 0:
            parts[index] = re.escape(part)
        else:
            parts[index] = known.get(part) or part.replace("[!", "[^")
    return re.compile("".join(parts))


def _file(info: fs.FileInfo) -> File:
    return File(info.path, info.size or 0, info.mtime_ns or 0)
