"""Who may open a project and how; what goes wrong on disk is told in a sentence and loses nothing."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.domain import edits
from engine.domain.annotation import Instance
from engine.errors import ProjectError, ReadOnlyError
from engine.project import filesystem, opening, schema
from engine.project.store import ProjectStore

ROOT = Path(__file__).resolve().parents[3]


def _child(code: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)


# --- creating and finding -----------------------------------------------------------------------------------------


def test_a_new_project_has_its_folders_name_and_is_empty(tmp_path: Path) -> None:
    with ProjectStore.create(tmp_path / "new" / "Nuts") as store:
        assert (store.name, store.boxes_only, store.read_only, store.warnings) == ("Nuts", False, False, ())
        assert (store.images(), store.categories(), list(store.annotations())) == ((), (), [])
    with ProjectStore.create(tmp_path / "b", name="Boxes", boxes_only=True) as store:
        assert (store.name, store.boxes_only) == ("Boxes", True)


def test_a_second_project_in_one_folder_is_refused(folder: Path) -> None:
    with pytest.raises(ProjectError, match="a project in this folder already"):
        ProjectStore.create(folder)
    ProjectStore.open(folder).close()


def test_a_project_cannot_be_made_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProjectError, match="No project can be made here"):
        ProjectStore.create(tmp_path / "file" / "project")


def test_a_killed_creation_leaves_no_half_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "migrate", fail)
    with pytest.raises(KeyboardInterrupt):
        ProjectStore.create(tmp_path / "p")
    monkeypatch.undo()
    with pytest.raises(ProjectError, match="no project in this folder"):
        ProjectStore.open(tmp_path / "p")
    ProjectStore.create(tmp_path / "p").close()


def test_opening_a_folder_without_a_project_says_so_and_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="There is no project in this folder"):
        ProjectStore.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_project_file_itself_can_be_opened(folder: Path) -> None:
    with ProjectStore.open(folder / "project.sqlite") as store:
        assert store.folder == folder


# --- one writer ---------------------------------------------------------------------------------------------------


def test_a_second_writer_is_refused_and_readers_are_not(folder: Path, tools: Any) -> None:
    with ProjectStore.open(folder) as writer:
        with pytest.raises(ProjectError, match=rf"open elsewhere \(process {os.getpid()} on "):
            ProjectStore.open(folder)
        with ProjectStore.open(folder, read_only=True) as reader:
            assert len(reader.annotation(1)) == 0
            drawn = tools.draw(writer, 1, tools.ring())
            assert reader.annotation(1).instances == (drawn,)  # a reader sees what is saved meanwhile
    ProjectStore.open(folder).close()


def test_a_writer_in_another_process_is_refused_until_the_holder_ends(folder: Path) -> None:
    code = (
        "import sys; from engine.project.store import ProjectStore; s = ProjectStore.open(sys.argv[1]);"
        "print('open', flush=True); sys.stdin.read()"
    )
    with _child(code, folder) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(ProjectError, match=f"process {holder.pid}"):
            ProjectStore.open(folder)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        ProjectStore.open(folder).close()


def test_another_thread_waits_for_a_change_and_never_sees_half_of_it(store: ProjectStore, tools: Any) -> None:
    seen: list[int] = []
    started = threading.Event()

    def look() -> None:
        started.set()
        seen.append(sum(len(a) for a in store.annotations()))

    with store.change("Draw twice") as change:
        first = store.annotation(1)
        change.put_annotation(edits.add(first, Instance.from_mask(tools.ring(), 1)))
        thread = threading.Thread(target=look)
        thread.start()
        started.wait()
        change.put_annotation(edits.add(store.annotation(2), Instance.from_mask(tools.ring(), 1)))
    thread.join()
    assert seen == [2]


def test_changes_do_not_nest(store: ProjectStore, tools: Any) -> None:
    before = tools.everything(store)
    with pytest.raises(RuntimeError, match="do not nest"), store.change("Outer"), store.change("Inner"):
        pass
    assert tools.everything(store) == before


# --- versions and damage ------------------------------------------------------------------------------------------


def _pragma(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / "project.sqlite")
    connection.execute(f"PRAGMA {statement}")
    connection.close()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_project_from_a_newer_version_is_refused_with_a_sentence(folder: Path, read_only: bool) -> None:
    _pragma(folder, "user_version = 99")
    with pytest.raises(ProjectError, match=r"newer Maskwright \(format 99.*Update Maskwright"):
        ProjectStore.open(folder, read_only=read_only)
    _pragma(folder, f"user_version = {schema.VERSION}")
    ProjectStore.open(folder).close()


def test_an_older_project_is_brought_up_to_date_whole_or_not_at_all(
    folder: Path, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ProjectStore.open(folder) as store:
        before = tools.everything(store)
    broken = (*schema.MIGRATIONS, "CREATE TABLE extra (x); CREATE TABLE extra (x);")
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    monkeypatch.setattr(schema, "VERSION", 2)
    with pytest.raises(ProjectError, match="older version"):
        ProjectStore.open(folder, read_only=True)
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        ProjectStore.open(folder)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:1], "CREATE TABLE extra (x)"))
    with ProjectStore.open(folder) as store:
        assert tools.everything(store) == before
        assert store._db.rows("SELECT * FROM extra") == []
        assert schema.version_of(store._db.connection) == 2


def test_a_file_that_is_no_database_is_refused(folder: Path) -> None:
    (folder / "project.sqlite").write_bytes(b"not a database " * 100)
    with pytest.raises(ProjectError, match="not a project, or it is damaged"):
        ProjectStore.open(folder)


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "project.sqlite")
    connection.execute("CREATE TABLE other (x)")
    connection.close()
    content = (tmp_path / "project.sqlite").read_bytes()
    with pytest.raises(ProjectError, match="not a project of Maskwright"):
        ProjectStore.open(tmp_path)
    assert (tmp_path / "project.sqlite").read_bytes() == content


def test_a_damaged_page_is_told_in_a_sentence(folder: Path, tools: Any) -> None:
    with ProjectStore.open(folder) as store, store.change("Many") as change:
        for n in range(2000):
            change.add_image(f"{n}.png", 4, 3)
    file = folder / "project.sqlite"
    content = bytearray(file.read_bytes())
    content[8 * 4096 :] = b"\xff" * (len(content) - 8 * 4096)
    file.write_bytes(content)
    with pytest.raises(ProjectError, match="damaged"), ProjectStore.open(folder, read_only=True) as store:
        tools.everything(store)


# --- a folder that cannot be written ------------------------------------------------------------------------------


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that other users may enter."""
    path = Path(tempfile.mkdtemp(prefix="maskwright-test-"))
    path.chmod(0o755)
    yield path
    for below in path.rglob("*"):
        below.chmod(0o755)
    shutil.rmtree(path)


@pytest.fixture
def ordinary_user() -> Iterator[None]:
    """Permissions do not hold for root: be somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def _lock_up(project: Path) -> None:
    for file in project.iterdir():
        file.chmod(0o444)
    project.chmod(0o555)


@pytest.fixture
def locked_project(open_folder: Path, folder: Path, tools: Any) -> Path:
    with ProjectStore.open(folder) as store:
        tools.draw(store, 1, tools.ring())
    project = open_folder / "p # %20 ?"  # characters that mean something in a URI
    shutil.copytree(folder, project)
    _lock_up(project)
    return project


@pytest.fixture
def locked_with_wal(open_folder: Path, folder: Path, tools: Any) -> Path:
    """A read-only copy of what a killed writer leaves: the last change is only in the WAL."""
    project = open_folder / "p"
    with ProjectStore.open(folder) as store:
        tools.draw(store, 1, tools.ring())
        project.mkdir()
        for name in ("project.sqlite", "project.sqlite-wal"):
            shutil.copy(folder / name, project / name)
    _lock_up(project)
    return project


@pytest.mark.parametrize("asked", [False, True])
def test_a_read_only_folder_opens_for_reading(locked_project: Path, ordinary_user: None, asked: bool) -> None:
    with ProjectStore.open(locked_project, read_only=asked) as store:
        assert store.read_only
        assert "read-only" in store.warnings[0]
        assert len(store.annotation(1)) == 1
        assert store.undo_label(1) == "Draw"


def test_writing_to_a_read_only_project_is_refused_with_a_sentence(folder: Path) -> None:
    with ProjectStore.open(folder, read_only=True) as store:
        for act in (lambda: store.change("X").__enter__(), store.undo, store.redo):
            with pytest.raises(ReadOnlyError, match="open read-only"):
                act()


def test_what_a_killed_writer_left_is_read_in_a_read_only_folder_too(
    locked_with_wal: Path, ordinary_user: None
) -> None:
    with ProjectStore.open(locked_with_wal) as store:
        assert store.read_only
        assert len(store.annotation(1)) == 1
        with pytest.raises(ReadOnlyError):
            store._db.execute("DELETE FROM instances")
    assert sorted(p.name for p in locked_with_wal.iterdir()) == ["project.sqlite", "project.sqlite-wal"]


# --- network drives -----------------------------------------------------------------------------------------------


def test_a_project_on_a_network_drive_uses_a_rollback_journal_and_says_so(
    folder: Path, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "is_network_drive", lambda _: True)
    with ProjectStore.open(folder) as store:
        assert "network drive" in store.warnings[0]
        assert store._db.one("PRAGMA journal_mode") == ("delete",)
        tools.draw(store, 1, tools.ring())
        assert not (folder / "project.sqlite-wal").exists()
        with ProjectStore.open(folder, read_only=True) as reader:
            assert len(reader.annotation(1)) == 1
        store.checkpoint()
    monkeypatch.undo()
    with ProjectStore.open(folder) as store:  # back on a local drive
        assert store._db.one("PRAGMA journal_mode") == ("wal",)
        assert len(store.annotation(1)) == 1


def test_the_innermost_mount_decides_what_kind_of_drive_it_is() -> None:
    mounts = [("/", "ext4"), ("/home", "nfs4"), ("/home/me/local", "xfs"), ("/homework", "ext4")]
    kinds = [filesystem.filesystem_type(Path(p), mounts) for p in ("/home/me", "/home/me/local/x", "/homework/p", "/x")]
    assert kinds == ["nfs4", "xfs", "ext4", "ext4"]
    assert filesystem._linux_mount("36 35 0:52 / /mnt/my\\040disk rw shared:1 - cifs //srv/x rw") == (
        "/mnt/my disk",
        "cifs",
    )


def test_the_temporary_folder_is_no_network_drive(tmp_path: Path) -> None:
    assert not filesystem.is_network_drive(tmp_path)


# --- a full disk --------------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_loses_nothing(store: ProjectStore, tools: Any) -> None:
    tools.draw(store, 1, tools.ring())
    before = tools.everything(store)
    (pages,) = store._db.one("PRAGMA page_count") or ()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ProjectError, match=r"disk is full.*everything before it is safe"):  # noqa: PT012
        for n in range(100):
            before = tools.everything(store)
            with store.change("Many") as change:
                for m in range(20):
                    change.add_image(f"{n} {m}.png", 4, 3)
    assert tools.everything(store) == before
    store._db.execute("PRAGMA max_page_count = 100000")
    drawn = tools.draw(store, 1, tools.ring(20))
    assert drawn in tools.everything(store)[2][0].instances
    assert store.undo(1) is not None


def test_an_undo_on_a_full_disk_changes_nothing(store: ProjectStore, tools: Any) -> None:
    with store.change("Add") as change:
        ids = [change.add_image(f"{n} {'long ' * 30}.png", 4, 3) for n in range(300)]
    with store.change("Remove") as change:
        for image_id in ids:
            change.remove_image(image_id)
    before = tools.everything(store)
    store._db.execute("VACUUM")
    (pages,) = store._db.one("PRAGMA page_count") or ()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ProjectError, match="disk is full"):
        store.undo()
    assert tools.everything(store) == before
    assert store.undo_label() == "Remove"


def test_a_disk_that_fails_in_the_middle_of_a_save_loses_nothing_saved_before(folder: Path) -> None:
    code = """
import resource, sys
from engine.errors import ProjectError
from engine.project.store import ProjectStore
store = ProjectStore.open(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
n = 0
try:
    while True:
        with store.change("Add") as change:
            for m in range(20):
                change.add_image(f"{n} {m}.png", 4, 3)
        n += 1
except ProjectError as error:
    print(n, error, flush=True)
    print(len(store.images()), flush=True)
"""
    with _child(code, folder) as child:
        output, _ = child.communicate()
    first, count = output.splitlines()
    saved = int(first.split()[0])
    assert saved > 0
    assert "was not saved" in first
    with ProjectStore.open(folder) as store:
        assert len(store.images()) == int(count) == 3 + 20 * saved
