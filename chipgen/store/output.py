"""The output folder of a build: begun, filled shard by shard, finished with the manifest; or left to be resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chipgen.stopping import to_the_end
from chipgen.store import disk
from chipgen.store.contents import differing
from chipgen.store.files import Staging, guarded
from chipgen.store.folder import digest_of
from chipgen.store.journal import Entry, Journal
from chipgen.store.names import MANIFEST, RUN, without_helpers
from chipgen.store.record import first_difference
from chipgen.store.start import Start
from chipgen.store.survey import refuse_other
from chipgen.store.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

OVERWRITES = "overwrites"
"""Key of `_run.json`: whether the run was begun with ``--overwrite``, so that the same command goes on with it."""

TABLES, DOOMED, CARRIED = "tables", "doomed", "carried"
"""Marks of journal entries: files of the build as a whole, which are always written anew; files to be replaced; files
added to the build when it was finished, which stay, with what the manifest says of them."""


class Output(Workspace):
    """The output folder of a build.

    Nothing in it changes before the first shard is published.

    Parameters
    ----------
    out
        The folder; it may not exist yet, be empty, or hold the same build, finished or not.
    overwrite
        Whether another build there may be replaced: exactly the files its manifest or journal lists.
    nested
        Folders in it that are output folders by themselves.
    before
        Called before anything changes; what it raises leaves the folder as it is.
    """

    def __init__(
        self, out: Path, *, overwrite: bool, nested: Iterable[str] = (), before: Callable[[], object] = lambda: None
    ) -> None:
        super().__init__(out, nested)
        self.overwrite, self.before = overwrite, before
        self._record: dict[str, Any] = {}
        self._run: dict[str, Any] = {}
        self._planned: Callable[[str], bool] = lambda _: False
        self._kept: tuple[Entry, ...] = ()
        self._doomed = Entry(())
        self._new: list[Entry] = []
        self._begun = False
        self._lines = Journal(out, "")

    def __enter__(self) -> Output:  # noqa: PYI034 -- Self is not in Python 3.10
        super().__enter__()
        return self

    def start(
        self,
        record: dict[str, Any],
        planned: Callable[[str], bool],
        *,
        may_rise: Collection[str] = (),
        by_content: bool = False,
    ) -> Start:
        """Compare what lies in the folder with what is to be built.

        Parameters
        ----------
        record
            What the build is made from.
        planned
            Tells which files it writes.
        may_rise
            Settings that may be higher than in the build there.
        by_content
            Whether to compare the checksums of what an earlier run finished; lengths only otherwise.

        Raises
        ------
        OutputError
            Another build lies there, or something chipgen did not write.
        """
        self._record, self._planned, found = record, planned, self.found
        with guarded(self.out):
            found.refuse_foreign(planned)
            if not self.overwrite:
                refuse_other(found, record, may_rise)
            if found.finished and not self.overwrite:
                lost = differing(self.out, found.listed, found.lengths, by_content=by_content)
                return Start(finished=found.manifest, lost=tuple(lost))
            if found.run is None or not self._goes_on(found.run):
                return Start()
            return self._resume(by_content=by_content)

    def _goes_on(self, run: dict[str, Any]) -> bool:
        """Tell whether an unfinished build is the one to go on with, rather than to be overwritten."""
        same = first_difference(run, self._record) is None
        return same and (not self.overwrite or run.get(OVERWRITES) is True)

    def _resume(self, *, by_content: bool) -> Start:
        """Return what an earlier run finished."""
        # A shard that was made again stands in the journal twice: the later line holds.
        latest = {file.path: entry for entry in self.found.entries for file in entry.files}
        stay = [entry for entry in self.found.entries if not {TABLES, DOOMED} & entry.facts.keys()]
        entries = [entry for entry in stay if all(latest[file.path] is entry for file in entry.files)]
        lost = {id(e): differing(self.out, e.files, self.found.lengths, by_content=by_content) for e in entries}
        self._kept = tuple(entry for entry in entries if not lost[id(entry)])
        # The last thing announced may never have got its name: that is no damage.
        damaged = [path for entry in entries[:-1] for path in lost[id(entry)]]
        unannounced = [path for path in sorted(self.found.files - self.found.ours()) if self._planned(path)]
        shards = tuple(entry for entry in self._kept if CARRIED not in entry.facts)
        return Start(shards, None, (*damaged, *unannounced), resumed=True)

    def begin(self) -> None:
        """Make the folder that of this build before anything is published there: what lies in it is replaced."""
        with to_the_end(), guarded(self.out):
            self.lock.check()
            self._begin()

    def publish(self, staging: Staging, units: Sequence[str], entry: Entry) -> None:
        """Give the files of a shard their final names.

        Parameters
        ----------
        staging
            Where they are.
        units
            The files, or folders that hold them all, that are renamed: one after the other. A run killed between two
            of them leaves a shard that was announced and is not whole, which the next run makes again.
        entry
            What the journal says of them.
        """
        with to_the_end(), guarded(self.out):
            self.lock.check()
            self._begin()
            self._journal.append(entry)
            self._new.append(Entry(entry.files))  # what else the line says need not be kept in memory
            for unit in units:
                self._make_parents(unit)
                disk.replace(staging.folder / unit, self.out / unit)
            for folder in sorted({(self.out / unit).parent for unit in units}):
                disk.sync_folder(folder)

    def reopen(self, kept: Sequence[Entry], tables: Entry, carried: Sequence[str]) -> None:
        """Turn a finished build into one that was begun, of which some shards are to be made anew.

        Parameters
        ----------
        kept, tables
            Its shards that stay, and its files as a whole, which are written anew at the end.
        carried
            Folders that were added to it and stay. All its other files go.
        """
        manifest = self.found.manifest
        assert manifest is not None
        added = [self._added(name, manifest) for name in carried if name in manifest]
        self._kept = (*kept, Entry(tables.files, {TABLES: True}), *added)
        stay = {file.path for entry in self._kept for file in entry.files}
        self._doomed = Entry(tuple(file for file in self.found.listed if file.path not in stay), {DOOMED: True})
        self.begin()

    def _added(self, name: str, manifest: dict[str, Any]) -> Entry:
        """Return the entry of a folder that was added to a finished build."""
        files = tuple(file for file in self.found.listed if file.path.startswith(f"{name}/"))
        return Entry(files, {CARRIED: {name: manifest[name]}})

    def finish(self, staging: Staging, facts: dict[str, Any], entries: Iterable[Entry]) -> int:
        """Publish the files that belong to the build as a whole, then the manifest, and tidy up.

        Parameters
        ----------
        staging
            Where those files are.
        facts
            What the manifest says besides the list of files.
        entries
            What else it lists.

        Returns
        -------
        int
            The length of all files it lists.
        """
        staging.settle()
        tables = Entry(tuple(staging.written), {TABLES: True})
        carried = [entry for entry in self._kept if CARRIED in entry.facts]
        told = {key: value for entry in carried for key, value in entry.facts[CARRIED].items()}
        files = [file for entry in (*entries, tables, *carried) for file in entry.files]
        with to_the_end(), guarded(self.out):
            self.lock.check()
            self._begin()
            self._journal.append(tables)
            self._new.append(tables)
            for file in tables.files:
                disk.replace(staging.folder / file.path, self.out / file.path)
            disk.sync_folder(self.out)
            files.sort(key=lambda file: file.path)
            self._put(MANIFEST, {**self._record, **told, **facts, "files": files}, self.staging("manifest"))
            self._clear()
        return sum(file.bytes for file in files)

    def undo(self) -> None:
        """Leave the folder as this run found it."""
        if not self._begun:
            return
        with to_the_end(), guarded(self.out):
            self._remove(file.path for entry in self._new for file in entry.files)
            if self.found.run is not self._run:
                self._journal.remove()
                disk.remove(self.out / RUN)
                self.found = self._recovered()
        self._begun, self._new = False, []

    @property
    def finished_shards(self) -> int:
        """How many shards a next run would not have to make again."""
        marks = {TABLES, DOOMED, CARRIED}
        return sum(not marks & entry.facts.keys() for entry in (*self._kept, *self._new))

    @property
    def _journal(self) -> Journal:
        """Return the journal of this run."""
        run = digest_of(self._run)
        if self._lines.run != run:
            self._lines = Journal(self.out, run)
        return self._lines

    def _begin(self) -> None:
        """Make the folder that of this build, just before anything in it changes."""
        if self._begun:
            return
        self.before()
        found, staging = self.found, self.staging("begin")
        disk.make_folder(staging.folder)
        if found.run is not None and self._goes_on(found.run):
            self._run = found.run
            self._mend(staging)
        else:
            self._run = {**self._record, OVERWRITES: self.overwrite}
            self._make_room(staging)
        disk.sync_folder(self.out)
        self._begun = True

    def _make_room(self, staging: Staging) -> None:
        """Begin a build of our own, in the place of what is there."""
        if self.found.finished and not self.overwrite:
            self._take_over(staging)
            return
        if self.found.finished:
            self._set_aside()
        else:
            self._discard()
        self._put(RUN, self._run, staging)
        self._journal.rewrite((), staging.folder)

    def _take_over(self, staging: Staging) -> None:
        """Put a journal in the place of a manifest."""
        self._journal.rewrite((*self._kept, self._doomed), staging.folder)
        self._put(RUN, self._run, staging)
        disk.remove(self.out / MANIFEST)
        disk.sync_folder(self.out)
        self._remove(file.path for file in self._doomed.files)

    def _mend(self, staging: Staging) -> None:
        """Remove what an earlier run of the same build did not finish, and lines of its journal that are damaged."""
        kept = {file.path for entry in self._kept for file in entry.files}
        tables = {file.path for entry in self.found.entries if TABLES in entry.facts for file in entry.files}
        ours = self.found.ours() | {path for path in self.found.files if self._planned(path)}
        self._remove(sorted(without_helpers(ours - kept - tables)))
        if self.found.damaged or self.found.torn or not self._journal.exists:
            self._journal.rewrite(self.found.entries, staging.folder)

    def _discard(self) -> None:
        """Remove an unfinished build that is overwritten, `RUN` last: until then what is left is known to be ours."""
        if self.found.run is None:
            return
        self._remove(sorted(without_helpers(self.found.ours())))
        self._journal.remove()
        disk.remove(self.out / RUN)
