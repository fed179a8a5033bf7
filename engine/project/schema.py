"""Tables of ``project.sqlite`` and the steps from one version to the next (``user_version``)."""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x4D41534B  # "MASK": tells a project from any other SQLite file

_VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    status TEXT NOT NULL,
    split TEXT NOT NULL,
    negative INTEGER NOT NULL,
    content_hash TEXT NOT NULL
);
CREATE INDEX images_name ON images(name);

CREATE TABLE categories (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    color TEXT NOT NULL
);

-- mask: COCO's compressed run lengths of the whole image; NULL in a boxes-only project
CREATE TABLE instances (
    id TEXT PRIMARY KEY,
    image_id INTEGER NOT NULL REFERENCES images(id),
    category_id INTEGER NOT NULL REFERENCES categories(id),
    position INTEGER NOT NULL,
    x0 REAL NOT NULL, y0 REAL NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL,
    mask BLOB,
    origin TEXT NOT NULL,
    run TEXT, epoch INTEGER, score REAL
);
CREATE INDEX instances_image ON instances(image_id, position);
CREATE INDEX instances_category ON instances(category_id, image_id);

CREATE TABLE decisions (
    run TEXT NOT NULL,
    prediction_id INTEGER NOT NULL,
    image_id INTEGER NOT NULL REFERENCES images(id),
    verdict TEXT NOT NULL,
    instance_id TEXT,
    reason TEXT NOT NULL,
    PRIMARY KEY (run, prediction_id)
) WITHOUT ROWID;
CREATE INDEX decisions_image ON decisions(image_id);

-- undone: 0, or the running number of the undo (the highest is redone first)
-- project_wide: belongs to every image's history
CREATE TABLE changesets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    label TEXT NOT NULL,
    time REAL NOT NULL,
    tables TEXT NOT NULL,
    project_wide INTEGER NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX changesets_undone ON changesets(undone) WHERE undone > 0;
CREATE INDEX changesets_wide ON changesets(id) WHERE project_wide = 1;

-- no foreign key to images: an undone import still knows its images
CREATE TABLE changeset_images (
    image_id INTEGER NOT NULL,
    changeset_id INTEGER NOT NULL REFERENCES changesets(id) ON DELETE CASCADE,
    PRIMARY KEY (image_id, changeset_id)
) WITHOUT ROWID;
CREATE INDEX changeset_images_changeset ON changeset_images(changeset_id);

-- what a changeset needs beyond its own rows: "category 3", "name nut", "path a.png"
-- owns: it brought that or took it away; two changesets depend on each other when one of them does
CREATE TABLE changeset_refs (
    ref TEXT NOT NULL,
    changeset_id INTEGER NOT NULL REFERENCES changesets(id) ON DELETE CASCADE,
    owns INTEGER NOT NULL,
    PRIMARY KEY (ref, changeset_id)
) WITHOUT ROWID;
CREATE INDEX changeset_refs_changeset ON changeset_refs(changeset_id);

-- before, after: JSON of the changed columns, NULL when the row was not there; a mask stands as its CRC-32
-- cols: bit set of the changed columns, all of them when a row came or went
-- delta: mask before XOR mask after, compressed run lengths
CREATE TABLE journal (
    changeset_id INTEGER NOT NULL REFERENCES changesets(id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    tbl TEXT NOT NULL,
    key TEXT NOT NULL,
    cols INTEGER NOT NULL,
    before TEXT,
    after TEXT,
    delta BLOB,
    PRIMARY KEY (changeset_id, seq)
) WITHOUT ROWID;
CREATE INDEX journal_row ON journal(key, tbl, changeset_id);
"""

# MIGRATIONS[n] brings a file from version n to n + 1; never change one that has been released.
MIGRATIONS = (_VERSION_1,)
VERSION = len(MIGRATIONS)


def version_of(connection: sqlite3.Connection) -> int:
    """The version the file says it has."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_project(connection: sqlite3.Connection) -> bool:
    """Whether the file says it is a project."""
    return bool(connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest version, whole or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for version in range(version_of(connection), VERSION):
            for statement in _statements(MIGRATIONS[version]):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version + 1}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> list[str]:
    # executescript() would commit before it starts
    lines = (line.split("--")[0] for line in script.splitlines())
    return [s for s in (part.strip() for part in "\n".join(lines).split(";")) if s]
