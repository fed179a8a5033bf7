"""What a person gets to read for a command that does not exist as typed."""

from __future__ import annotations

import pytest

from main import main


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["train", "p", "--sed", "1"], "--sed"), (["trian"], "trian"), (["train"], "project")],
    ids=["option", "command", "argument"],
)
def test_a_mistyped_command_is_told_with_exit_code_2(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert named in told
    assert "went wrong" not in told


def test_ctrl_c_ends_a_command_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("engine.sample.generator.write_sample", _interrupted)
    assert main(["sample", "somewhere"]) == 130
    assert "went wrong" not in capsys.readouterr().err


def test_a_fault_of_the_program_is_told_with_the_place_of_its_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engine.sample.generator.write_sample", _faulty)
    assert main(["sample", "somewhere"]) == 1
    told = capsys.readouterr().err
    assert "should not have" in told
    assert "Traceback" not in told


def _interrupted(*_args: object, **_settings: object) -> None:
    raise KeyboardInterrupt


def _faulty(*_args: object, **_settings: object) -> None:
    raise ZeroDivisionError("planted")
