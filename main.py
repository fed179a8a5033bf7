"""Start Maskwright: the window without arguments (or with a project folder), otherwise the command line.

Engine processes import this module again, so nothing of Qt or torch is imported at its top level.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    """Run the window or a command; returns the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    from engine.logs import set_up_logging

    set_up_logging()
    if not arguments or (len(arguments) == 1 and _is_folder(arguments[0])):
        from gui.app import run

        return run(arguments)
    return _run_command(arguments)


def _is_folder(text: str) -> bool:
    return not text.startswith("-") and Path(text).is_dir()


def _run_command(arguments: list[str]) -> int:
    """One command; a mistake of the person's is one sentence on stderr, not a traceback."""
    import logging

    import typer

    from engine.cli.app import build_app, usage_error
    from engine.errors import UserError

    app = build_app()
    _add_benches(app)
    try:
        result = app(args=arguments, prog_name="maskwright", standalone_mode=False)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except usage_error() as error:
        error.show()
        return int(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        return 0
    except Exception:
        from engine.logs import log_file

        logging.getLogger("main").exception("command failed: %s", arguments)
        print(f"Something went wrong that should not have. The details are in {log_file()}.", file=sys.stderr)
        return 1
    return result if isinstance(result, int) else 0


def _add_benches(app: object) -> None:
    """Benches live on both sides of the wall, so only here they come together."""
    import typer

    assert isinstance(app, typer.Typer)
    from engine.bench.commands import register as register_engine
    from gui.bench.commands import register as register_gui

    bench = typer.Typer(help="Measure this machine; side by side, with ratios.", no_args_is_help=True)
    register_engine(bench)
    register_gui(bench)
    app.add_typer(bench, name="bench")


if __name__ == "__main__":
    sys.exit(main())
