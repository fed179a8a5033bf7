"""What a person works on: the open project, the image on screen, the engine.  One method per intent.

Views never write: they call a method here, the store commits, ``changed`` says what is different, views read again.
The layers: :mod:`gui.session_base` (project, image, notices), :mod:`gui.session_edits` (objects, images, classes),
:mod:`gui.session_shapes` (masks of the selected objects, copies), :mod:`gui.session_review` (verdicts on predictions),
and here what takes a while: files and the engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gui.jobs import Report
from gui.session_base import told
from gui.session_review import SessionReview

if TYPE_CHECKING:
    from engine.config import TrainConfig
    from engine.project.runs import RunFolder


class Pace:
    """Turns "n of m images" into a part and words with rate and time left."""

    def __init__(self, report: Report, word: str) -> None:
        self._report, self._word = report, word
        self._began = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        rate = done / max(1e-3, time.monotonic() - self._began)
        left = (total - done) / rate if rate else 0.0
        words = f"{self._word}: {done:,} of {total:,} images · {rate:.0f}/s · {left:.0f} s left"
        self._report(done / max(1, total), words)


class Session(SessionReview):
    """Everything a window can ask for; attributes and signals are those of :class:`gui.session_base.SessionBase`."""

    # --- projects and files -----------------------------------------------------------------------------------

    @told
    def new_project(
        self, folder: Path, *, name: str = "", boxes_only: bool = False, images: Path | None = None
    ) -> bool:
        """Create a project and open it; with `images`, reads that folder into it."""
        from engine.project.store import ProjectStore

        store = ProjectStore.create(folder, name=name, boxes_only=boxes_only)
        self._show_project(store)
        if images is not None:
            self.add_images(images)
        return True

    @told
    def add_images(self, source: Path | list[Path]) -> bool:
        """Add a folder's images (or these files) in the background."""
        store = self._writable()

        def work(report: Report) -> Any:
            from engine.project.images import add_images

            report(-1, "Reading image sizes")
            return add_images(store, source)

        self.run_job("Adding images", work, self._images_added)
        return True

    def _images_added(self, report: Any) -> None:
        self.reload()
        skipped = [f"{path.name}: {reason}" for path, reason in report.skipped]
        text = f"{report.added} image{'' if report.added == 1 else 's'} added."
        if skipped:
            text += f" {len(skipped)} left out: {skipped[0]}" + (" …" if len(skipped) > 1 else "")
        self.message.emit("warning" if skipped else "info", text)

    @told
    def import_file(self, path: Path, *, done: Callable[[Any], None], **options: Any) -> bool:
        """Import annotations in the background; `done` gets the ImportReport on this thread."""
        store = self._writable()
        dry_run = bool(options.get("dry_run"))

        def work(report: Report) -> Any:
            from engine.formats.importing import import_file

            report(-1, "Looking through the file" if dry_run else "Importing")
            return import_file(store, path, progress=Pace(report, "Importing"), **options)

        def finish(result: Any) -> None:
            if not dry_run:
                self.reload()
            done(result)

        self.run_job("Looking" if dry_run else "Importing annotations", work, finish)
        return True

    @told
    def export_coco(self, out: Path) -> bool:
        """Write all annotations as COCO JSON in the background."""
        store = self._writable()

        def work(report: Report) -> Any:
            from engine.formats.coco import export_coco

            report(-1, "Writing")
            return export_coco(store, out)

        self.run_job("Exporting", work, lambda _report: self.message.emit("info", f"Exported to {out}"))
        return True

    # --- the engine -------------------------------------------------------------------------------------------

    @told
    def start_training(self, config: TrainConfig) -> RunFolder | None:
        """Freeze the data into a new run and start its trainer; a sentence when the data does not allow it."""
        from engine.project.runs import create_run

        run = create_run(self._writable(), config)
        self.engine.start_run(run)
        return run

    def resume_training(self, run: RunFolder) -> None:
        """Go on with a run that was stopped or lost."""
        self.engine.start_run(run, resume=True)

    def stop_training(self) -> None:
        """Ask the followed run to stop and keep everything."""
        self.engine.stop_run()

    def detect(self, **args: Any) -> int:
        """Ask the service for predictions; the id comes back in the engine's signals."""
        return self.engine.request("detect", **args)
