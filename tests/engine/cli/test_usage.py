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
