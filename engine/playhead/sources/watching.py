"""New files in a folder, as they appear: each is taken once, in the order of the names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from playhead.sources.files import File, FileSet
from playhead.sources.source import Stop

LOOK_SECONDS = 1.0
LISTEN_SECONDS = 0.05


class WatchedFiles:
    """Files that are there and files that appear; names are to grow, so that a position is the name of one file.

    A file that was not there at the start is taken when two looks in a row saw it the same, and not empty.
    """

    def __init__(self, files: FileSet, found: Sequence[File]) -> None:
        self.source = files
        self.seen = {file.path: file for file in found}
        self.taken: dict[str, File] = {}
        self.reported: set[File] = set()
        self.latest = ""

    def files(self, path: str | None, *, finished: bool, stop: Stop) -> Iterator[tuple[File, str | None]]:
        """Files from `path` on, without an end; with a text where one cannot be taken, saying why."""
        for file in self.seen.values():
            if path is not None and (file.path < path or (file.path == path and finished)):
                self.taken[file.path] = file
        self.latest = max(self.taken, default="")
        while not stop.is_set():
            yield from self._look(stop)
            for _ in range(round(LOOK_SECONDS / LISTEN_SECONDS)):
                if stop.is_set() or stop.wait(LISTEN_SECONDS):
                    return

    def _look(self, stop: Stop) -> Iterator[tuple[File, str | None]]:
        ready = True
        for file in self.source.find(empty_is_fine=True):
            if stop.is_set():
                return
            before = self.taken.get(file.path)
            if before is not None:
                yield from self._report(
                    file, "the file changed after it was read; a file is taken once", before != file
                )
            elif file.path < self.latest:
                reason = f"the file appeared after {self.latest} was read; names of new files have to come later"
                yield from self._report(file, reason, True)
            elif self.seen.get(file.path) != file:
                ready = False  # those behind it wait too: they are read in the order of their names
            elif ready and file.size:
                self.taken[file.path], self.latest = file, file.path
                yield file, None
            self.seen[file.path] = file

    def _report(self, file: File, reason: str, wrong: bool) -> Iterator[tuple[File, str | None]]:
        if wrong and file not in self.reported:
            self.reported.add(file)
            yield file, reason
