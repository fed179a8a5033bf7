import errno
import hashlib
import shutil
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine.model.downloads import DownloadError, cache_folder, download
from engine.project.filelock import FileLock

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves :data:`CONTENT`.

    Attributes:
        ranges: the Range header of every request.
        cuts: after how many bytes the next connections break, one each; None lets it finish.
        knows_ranges: whether it answers a Range at all.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.cuts: list[int | None] = []
        self.knows_ranges = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/weights-{SHA256[:8]}.pth"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.knows_ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else None
        self.wfile.write(CONTENT[start:] if cut is None else CONTENT[start : start + cut])

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "weights.pth"


def get(server: Server, target: Path, **options: object) -> Path:
    return download(server.url, target, **{"sha256": SHA256[:8], "title": "coco", **options})


def test_a_file_arrives_whole_and_its_progress_is_told(server: Server, target: Path) -> None:
    told: list[tuple[int, int]] = []
    assert get(server, target, progress=lambda have, total: told.append((have, total))) == target
    assert target.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


def test_what_is_in_the_cache_is_not_downloaded_again(server: Server, target: Path) -> None:
    get(server, target)
    get(server, target)
    assert len(server.ranges) == 1


def test_a_connection_that_breaks_is_taken_up_where_it_broke(server: Server, target: Path) -> None:
    server.cuts = [300_000, 200_000]
    get(server, target)
    assert target.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-", "bytes=500000-"]


def test_what_an_earlier_attempt_left_is_continued(server: Server, target: Path) -> None:
    def cancel(_have: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(server, target, progress=cancel)
    assert not target.exists()
    left = target.with_suffix(".part").stat().st_size
    assert 0 < left < len(CONTENT)
    get(server, target)
    assert target.read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={left}-"]


def test_a_server_that_knows_no_ranges_starts_over(server: Server, target: Path) -> None:
    server.knows_ranges = False
    target.parent.mkdir()
    target.with_suffix(".part").write_bytes(CONTENT[:1000])
    get(server, target)
    assert target.read_bytes() == CONTENT


def test_a_whole_file_that_was_not_yet_verified_is_verified(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.with_suffix(".part").write_bytes(CONTENT)
    get(server, target)
    assert target.read_bytes() == CONTENT


def test_another_file_than_the_published_one_is_deleted_and_said_so(server: Server, target: Path) -> None:
    with pytest.raises(DownloadError, match="“coco” is not the published file"):
        get(server, target, sha256="00000000")
    assert not target.exists()
    assert not target.with_suffix(".part").exists()


def test_a_connection_that_brings_nothing_gets_a_sentence(server: Server, target: Path) -> None:
    server.cuts = [300_000, 0]
    with pytest.raises(DownloadError, match="could not be downloaded: the connection broke"):
        get(server, target)
    assert target.with_suffix(".part").stat().st_size == 300_000


def test_a_refused_connection_gets_a_sentence(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, but nobody listens
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x.pth"
        with pytest.raises(DownloadError, match=r"“coco” could not be downloaded: .*refused.*lite0"):
            download(url, target, sha256="00", title="coco")


def test_a_file_that_is_not_there_gets_the_servers_answer(server: Server, target: Path, monkeypatch) -> None:
    monkeypatch.setattr(Handler, "do_GET", lambda self: self.send_error(404))
    with pytest.raises(DownloadError, match="the server answered 404"):
        get(server, target)


def test_a_disk_without_room_is_told_before_anything_is_written(server: Server, target: Path, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10, 9, 1000))
    with pytest.raises(DownloadError, match=r"too full for the weights “coco”: 1 MiB are to come"):
        get(server, target)
    assert not target.with_suffix(".part").exists()


def test_a_disk_that_fills_up_meanwhile_gets_a_sentence(server: Server, target: Path, monkeypatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("engine.model.downloads.os.fsync", full)
    with pytest.raises(DownloadError, match="could not be written: the disk is full"):
        get(server, target)
    assert not target.exists()


def test_whoever_comes_second_waits_and_takes_what_the_first_brought(server: Server, target: Path) -> None:
    target.parent.mkdir()
    first = FileLock(target.with_suffix(".lock"))
    assert first.acquire()

    def bring_it(_have: int, _total: int) -> None:
        target.write_bytes(CONTENT)
        first.release()

    get(server, target, progress=bring_it)
    assert server.ranges == []


def test_the_cache_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "weights"
