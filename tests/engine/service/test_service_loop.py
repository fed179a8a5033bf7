"""The service's protocol: answers by id, cancels heard while it works, prints kept out of the answers."""

from __future__ import annotations

import io
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.errors import DataError
from engine.service.loop import Job, ServiceLoop
from engine.service.protocol import Reply, Request, reply_from, request_from, to_line


class Pipe:
    """A file whose lines come from a queue, as from a window that is still there."""

    def __init__(self) -> None:
        self._lines: queue.Queue[bytes | None] = queue.Queue()

    def say(self, **request: object) -> None:
        self._lines.put(json.dumps(request).encode() + b"\n")

    def raw(self, line: bytes) -> None:
        self._lines.put(line)

    def close(self) -> None:
        self._lines.put(None)

    def __iter__(self):
        while (line := self._lines.get()) is not None:
            yield line


def replies_of(out: io.BytesIO) -> list[Reply]:
    found = [reply_from(line) for line in out.getvalue().splitlines()]
    assert all(r is not None for r in found)
    return [r for r in found if r is not None]


def run_with(handlers, *requests: dict[str, object]) -> list[Reply]:
    pipe, out = Pipe(), io.BytesIO()
    for request in requests:
        pipe.say(**request)
    # The end of stdin takes back what is still open; let the requests through first.
    pipe.say(id=999, name="last")
    done = threading.Event()

    def last(job: Job) -> dict[str, object]:
        done.set()
        return {}

    loop = ServiceLoop({**handlers, "last": last}, pipe, out)  # type: ignore[arg-type]
    thread = threading.Thread(target=loop.run)
    thread.start()
    assert done.wait(10)
    pipe.close()
    thread.join(10)
    assert not thread.is_alive(), "the loop ends with stdin"
    return [r for r in replies_of(out) if r.id != 999]


def test_a_message_survives_its_line():
    request = Request(id=3, name="detect", args={"images": [1, 2]})
    assert request_from(to_line(request)) == request
    assert request_from(b"some library printed this\n") is None
    assert reply_from(b'{"half": ') is None


def test_each_request_gets_its_own_answer_in_order():
    replies = run_with(
        {"double": lambda job: {"value": 2 * job.args["value"]}},
        {"id": 1, "name": "double", "args": {"value": 4}},
        {"id": 2, "name": "double", "args": {"value": 5}},
    )
    assert [(r.id, r.kind, r.values) for r in replies] == [(1, "result", {"value": 8}), (2, "result", {"value": 10})]


def test_a_mistake_of_the_person_is_answered_with_its_sentence_and_a_defect_ends_nothing():
    def refuse(job: Job) -> dict[str, object]:
        raise DataError("There is no image.", hint="Add one.")

    def break_(job: Job) -> dict[str, object]:
        raise ZeroDivisionError("division by zero")

    def crowded(job: Job) -> dict[str, object]:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    replies = run_with(
        {"refuse": refuse, "break": break_, "crowded": crowded, "ping": lambda job: {}},
        {"id": 1, "name": "refuse"},
        {"id": 2, "name": "break"},
        {"id": 3, "name": "crowded"},
        {"id": 4, "name": "nonsense"},
        {"id": 5, "name": "ping"},
    )
    assert [r.kind for r in replies] == ["error", "error", "error", "error", "result"]
    assert replies[0].text == "There is no image. Add one."
    assert "division by zero" in replies[1].text
    assert "not enough memory" in replies[2].text


@pytest.mark.parametrize("how", ["cancel", "unload"])
def test_a_running_request_hears_that_it_is_not_wanted_any_more(how):
    started, pipe, out = threading.Event(), Pipe(), io.BytesIO()

    def slow(job: Job) -> dict[str, object]:
        started.set()
        for _ in range(10_000):
            job.check()
            threading.Event().wait(0.005)
        return {"through": True}

    loop = ServiceLoop({"slow": slow, "unload": lambda job: {}}, pipe, out)  # type: ignore[arg-type]
    thread = threading.Thread(target=loop.run)
    thread.start()
    pipe.say(id=1, name="slow")
    assert started.wait(10)
    pipe.say(id=2, name=how, args={"request": 1})
    pipe.raw(b"not a request\n")
    while b'"id":1' not in out.getvalue().replace(b" ", b"") and thread.is_alive():
        threading.Event().wait(0.01)
    pipe.close()
    thread.join(10)
    assert next(r for r in replies_of(out) if r.id == 1).values == {"cancelled": True}


def test_the_end_of_the_window_ends_the_service_in_the_middle_of_its_work():
    started, pipe, out = threading.Event(), Pipe(), io.BytesIO()

    def forever(job: Job) -> dict[str, object]:
        started.set()
        while True:
            job.check()
            threading.Event().wait(0.005)

    thread = threading.Thread(target=ServiceLoop({"forever": forever}, pipe, out).run)  # type: ignore[arg-type]
    thread.start()
    pipe.say(id=1, name="forever")
    assert started.wait(10)
    pipe.close()
    thread.join(10)
    assert not thread.is_alive()


def test_what_libraries_print_does_not_reach_the_answers(tmp_path: Path):
    code = """
import os, sys
from engine.service.loop import ServiceLoop, private_stdout
out = private_stdout()
print("printed by a library")
os.write(1, b"written by native code\\n")
ServiceLoop({"ping": lambda job: (print("inside"), {"ok": 1})[1]}, sys.stdin.buffer, out).run()
"""
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(to_line(Request(id=1, name="ping")))
    process.stdin.flush()
    answer = process.stdout.readline()
    out, err = process.communicate(timeout=120)
    assert reply_from(answer) == Reply(id=1, kind="result", values={"ok": 1})
    assert out == b""
    assert b"native code" in err
    assert b"inside" in err


def test_the_service_starts_without_torch(tmp_path: Path):
    code = "import sys; import engine.service.main, engine.service.handlers; print('torch' in sys.modules)"
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(root)},
        check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "False"
