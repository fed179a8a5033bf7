import functools
import shutil

import pytest

from engine.errors import RunError
from engine.events import AttemptStarted, Note
from engine.model import sources
from engine.model.architecture import Architecture
from engine.model.downloads import DownloadError
from engine.model.weights import read_facts, read_tensors
from engine.training.loop import Trainer
from engine.training.start import DownloadNotes, first_network
from engine.training.trainer import run_trainer


@pytest.fixture
def short_run(make_run):
    """``make_run`` with two steps an epoch."""
    return functools.partial(make_run, min_epoch_steps=0)


def nothing_said(_note: Note) -> None:
    pass


def begin(run, *, resume: bool = False):
    return first_network(run, run.config, run.dataset(), nothing_said, resume=resume)


def test_a_run_that_starts_from_another_run_has_its_weights_and_says_so(short_run) -> None:
    first = short_run("first", stages="heads:1@1e-2")
    assert run_trainer(first).outcome == "finished"
    second = short_run("second", stages="heads:1@1e-2", weights="run:first@last")
    network, _ = begin(second)
    given = read_tensors(first.checkpoint("last"))
    assert all(network.state_dict()[name].equal(tensor) for name, tensor in given.items())
    assert run_trainer(second).outcome == "finished"
    events = second.events()
    assert isinstance(events[0], AttemptStarted)
    assert isinstance(events[1], Note)
    assert "run:first@last" in events[1].text
    assert "Classes that go on: “ring”, “disc”" in events[1].text


def test_a_resume_needs_the_first_weights_no_more(short_run) -> None:
    first = short_run("first", stages="heads:1@1e-2")
    run_trainer(first)
    second = short_run("second", stages="heads:2@1e-2", weights="run:first@last")
    seen = 0

    def stop_after_the_first_step(event: object) -> None:
        nonlocal seen
        seen += 1
        if seen == 4:
            second.request_stop()

    assert run_trainer(second, on_event=stop_after_the_first_step).outcome == "stopped"
    shutil.rmtree(first.path)
    assert run_trainer(second, resume=True).outcome == "finished"


def test_weights_that_are_gone_end_the_attempt_with_a_sentence(short_run) -> None:
    run = short_run(weights="run:gone@best")
    ended = run_trainer(run)
    assert ended.outcome == "failed"
    assert "run “gone”" in ended.reason


def test_weights_that_cannot_be_downloaded_end_the_attempt_with_a_sentence(short_run, monkeypatch) -> None:
    def offline(name: str, _progress: object) -> None:
        raise DownloadError(f"The weights “{name}” could not be downloaded: no connection.")

    monkeypatch.setattr(sources, "fetch", offline)
    ended = run_trainer(short_run(weights="coco"))
    assert (ended.outcome, ended.step) == ("failed", 0)
    assert "“coco” could not be downloaded" in ended.reason


def test_a_new_attempt_that_is_no_resume_starts_from_the_weights_again(short_run) -> None:
    run = short_run(stages="heads:1@1e-2")
    run_trainer(run)
    assert "lite0" in begin(run)[1]
    network, said = begin(run, resume=True)
    assert said == ""
    facts = read_facts(run.checkpoint("last"))
    assert network.architecture == Architecture.from_json(facts["architecture"])


def test_a_resume_without_a_checkpoint_starts_from_the_weights(short_run) -> None:
    with pytest.raises(RunError, match="do not exist"):
        begin(short_run(weights="missing.pth"), resume=True)


def test_a_download_is_told_by_the_tenth() -> None:
    notes: list[Note] = []
    tell = DownloadNotes("coco", notes.append)
    for have in range(0, 101):
        tell(have * 1_000_000, 100_000_000)
    assert 10 <= len(notes) <= 11
    assert notes[0].text == "Downloading “coco”: 0 of 100 MB."


@pytest.mark.parametrize(("detect_size", "input_size"), [(0, 64), (96, 96)])
def test_a_network_detects_at_the_size_asked_for_and_trains_at_its_own(
    short_run, detect_size: int, input_size: int
) -> None:
    run = short_run(stages="heads:1@1e-2", detect_size=detect_size)
    network, _ = begin(run)
    assert network.architecture.image_size == input_size
    (batch, *_) = Trainer(run, nothing_said)._loader.epoch(1, None)
    assert max(batch[0].image.shape) == 64


def test_a_trained_network_remembers_at_what_size_it_detects(short_run) -> None:
    run = short_run(stages="heads:1@1e-2", detect_size=96)
    assert run_trainer(run).outcome == "finished"
    assert read_facts(run.checkpoint("best"))["architecture"]["image_size"] == 96
