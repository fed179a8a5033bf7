"""pack, unpack and runs as a person runs them; the packed job trains without its project or pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.project.runs import RunFolder, create_run, engine_environment
from engine.project.store import ProjectStore
from main import main

SETTINGS = ("image_size=64", "threads=1", "device=cpu", "amp=off", "warmup_steps=2", "batch_size=2")
ASKED = ("--stages", "all:1@1e-2", *(a for s in SETTINGS for a in ("--set", s)))
Run = Callable[..., object]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command that succeeds; gives what it printed as JSON, else its words."""

    def call(*arguments: object) -> object:
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return json.loads(printed.out) if "--json" in arguments else printed.err

    return call


def launch(job: Path, elsewhere: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a person types on the other machine, standing somewhere else."""
    environment = {**engine_environment(), "PYTHON": sys.executable}
    command = ["sh", str(job / "launch.sh"), *arguments]
    return subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="launch.sh is for the other machine")
def test_a_job_trains_without_its_project_and_comes_back_as_a_run(
    run: Run, drawn_project: Path, tmp_path: Path
) -> None:
    packed = run("pack", drawn_project, tmp_path / "packed", *ASKED, "--json")
    (tmp_path / "cluster").mkdir()
    job = (tmp_path / "packed").rename(tmp_path / "cluster" / "job")
    away = [drawn_project.rename(tmp_path / "away"), (tmp_path / "pictures").rename(tmp_path / "away-pictures")]
    done = launch(job, tmp_path / "cluster")
    assert done.returncode == 0, done.stderr
    assert RunFolder(job).checkpoint_epochs() == [1]

    away[0].rename(drawn_project)
    away[1].rename(tmp_path / "pictures")
    came = run("unpack", drawn_project, job, "--json")
    assert (came["run"], came["state"], came["not_in_project"]) == (packed["run"], "finished", [])
    (listed,) = run("runs", drawn_project, "--json")
    assert (listed["run"], listed["epochs_done"], listed["data_digest"]) == (came["run"], 1, packed["data_digest"])

    figures = run("evaluate", drawn_project, "--run", came["run"], "--device", "cpu", "--json")
    assert figures["mask_ap"] == pytest.approx(listed["last_ap"], abs=1e-6)
    run("detect", drawn_project, "--device", "cpu", "--json")
    go_on = run("train", drawn_project, "--resume", "--run", came["run"], "--json")
    assert (go_on["state"], go_on["epochs_done"]) == ("finished", 1)


def test_packing_tells_what_to_do_next(run: Run, drawn_project: Path, tmp_path: Path) -> None:
    said = " ".join(str(run("pack", drawn_project, tmp_path / "job")).split())
    assert "Packed 4 images" in said
    assert "launch.sh" in said
    assert "unpack" in said


@pytest.mark.skipif(os.name == "nt", reason="launch.sh is for the other machine")
def test_the_scripts_of_a_job_are_sound_shell(run: Run, drawn_project: Path, tmp_path: Path) -> None:
    run("pack", drawn_project, tmp_path / "job")
    for name in ("launch.sh", "job.slurm"):
        script = tmp_path / "job" / name
        assert b"\r" not in script.read_bytes()
        subprocess.run(["sh", "-n", str(script)], check=True)
    assert os.access(tmp_path / "job" / "launch.sh", os.X_OK)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("pack", "{project}", "{project}"), "not empty"),
        (("pack", "{project}", "{project}/job", "--set", "speed=9"), "speed=9"),
        (("unpack", "{project}", "{project}"), "no job in this folder"),
        (("runs", "{project}", "--compare", "a", "b"), "no training run yet"),
    ],
)
def test_a_mistake_gets_a_sentence_and_no_traceback(
    drawn_project: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    assert main([a.format(project=drawn_project) for a in arguments]) == 1
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_runs_are_listed_with_those_they_may_be_compared_to(run: Run, drawn_project: Path) -> None:
    from engine.config import train_config

    with ProjectStore.open(drawn_project) as store:
        one, two = create_run(store, train_config()), create_run(store, train_config("notes"))
    listed = {facts["run"]: facts for facts in run("runs", drawn_project, "--json")}
    assert listed[one.id]["same_validation"] == [two.id]
    assert (listed[one.id]["train_images"], listed[one.id]["val_images"]) == (3, 1)
    said = " ".join(str(run("runs", drawn_project)).split())
    assert f"figures may be compared: {two.id}, {one.id}" in said

    compared = run("runs", drawn_project, "--compare", one.id, two.id, "--json")
    assert [facts["run"] for facts in compared["runs"]] == [one.id, two.id]
    assert "plan" in {difference["setting"] for difference in compared["settings"]}
    assert "heads:50@0.01!" in str(run("runs", drawn_project, "--compare", one.id, two.id))


def test_a_damaged_run_does_not_hide_the_others(run: Run, drawn_project: Path) -> None:
    from engine.config import train_config

    with ProjectStore.open(drawn_project) as store:
        sound, damaged = create_run(store, train_config()), create_run(store, train_config())
    (damaged.path / "config.json").write_text("{")
    assert [facts["run"] for facts in run("runs", drawn_project, "--json")] == [sound.id]
