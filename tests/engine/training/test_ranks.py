"""Several processes train one network, as torchrun starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.events import AttemptStarted, CheckpointSaved, StepDone
from engine.project.runs import RunFolder, RunState, engine_environment
from engine.training.trainer import run_trainer

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1"]


def torchrun(run: RunFolder, port: int, *, resume: bool = False) -> subprocess.Popen[bytes]:
    more = ["--resume"] if resume else []
    command = [*TORCHRUN, "--master-port", str(port), "-m", "main", "_train", str(run.path), *more]
    environment = {**engine_environment(), "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    with (run.path / "torchrun.log").open("ab") as out:
        return subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def losses_of(run: RunFolder) -> list[dict[str, float]]:
    return [e.losses for e in run.events() if isinstance(e, StepDone)]


def test_two_ranks_of_one_image_equal_one_process_of_two(make_run) -> None:
    stages = "all:3@1e-2"
    alone, together = make_run("alone", stages=stages, batch_size=2), make_run("together", stages=stages, batch_size=1)
    run_trainer(alone)
    process = torchrun(together, free_port())
    assert process.wait(300) == 0, (together.path / "torchrun.log").read_text()
    started = next(e for e in together.events() if isinstance(e, AttemptStarted))
    assert started.ranks == 2
    one, two = losses_of(alone), losses_of(together)
    assert len(one) == len(two) == 6
    for mine, theirs in zip(one, two, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-4, rel=1e-4)
    assert together.state() is RunState.FINISHED


def test_a_lost_rank_ends_the_job_and_the_run_goes_on_from_its_last_checkpoint(make_run) -> None:
    run = make_run("ranks", stages="all:40@1e-3", batch_size=1, save_minutes=1e-6)
    process = torchrun(run, free_port())
    _wait_for(lambda: any(isinstance(e, CheckpointSaved) and e.name == "last" for e in run.events()), process)
    victim = _child_of_rank(process.pid, 1)
    os.kill(victim, signal.SIGKILL)
    assert process.wait(120) != 0
    assert not run.is_live()
    assert run.state() in {RunState.LOST, RunState.FAILED}
    again = torchrun(run, free_port(), resume=True)
    try:
        _wait_for(lambda: _resumed_step(run) is not None, again)
    finally:
        os.killpg(again.pid, signal.SIGKILL)
        again.wait()
    assert _resumed_step(run) > 0


def _resumed_step(run: RunFolder) -> int | None:
    resumed = [e.resumed_step for e in run.events() if isinstance(e, AttemptStarted) and e.attempt == 2]
    return resumed[0] if resumed else None


def _wait_for(there: object, process: subprocess.Popen[bytes], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not there():  # type: ignore[operator]
        assert process.poll() is None, "the job ended early"
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.1)


def _child_of_rank(launcher: int, rank: int) -> int:
    """Process id of a rank, by its environment."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            environment = (folder / "environ").read_bytes().split(b"\0")
        except (OSError, IndexError, ValueError):
            continue
        if parent == launcher and f"RANK={rank}".encode() in environment:
            return int(folder.name)
    raise AssertionError(f"no process of rank {rank}")
