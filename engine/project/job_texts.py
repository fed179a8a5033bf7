"""The texts of a packed job: how it is started, under what scheduler, and what a person has to know."""

from __future__ import annotations

LAUNCH = """\
#!/bin/sh
# On all GPUs of this machine: torchrun --standalone --nproc-per-node=gpu -m main _train "$PWD"
cd "$(dirname "$0")" && exec "${PYTHON:-python}" -m main _train "$PWD" "$@"
"""

# `--signal` without B: reaches the step that srun starts, and the trainer saves and ends on SIGTERM
# (https://slurm.schedmd.com/sbatch.html).  `--resume` starts from nothing when there is nothing to go on from.
_SLURM = """\
#!/bin/bash
#SBATCH --job-name={run}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=32G
#SBATCH --gres=gpu:1
#SBATCH --time=08:00:00
#SBATCH --signal=TERM@300
#SBATCH --output=slurm-%j.log

# Hand it in from this folder: sbatch job.slurm. Hand it in again to go on where the time ran out.
# Make the environment with Maskwright available here, for example: source ~/maskwright/bin/activate
cd "$SLURM_SUBMIT_DIR" && srun sh launch.sh --resume
# On all GPUs of the node: srun torchrun --standalone --nproc-per-node=gpu -m main _train "$PWD" --resume
"""

_README = """\
A training of Maskwright, packed for another machine
====================================================
Project {project}, run {run}, {images} images, {epochs} epochs.
This folder is all it needs: no project, and no path outside the folder. {network}

1. Install, once per machine (Python 3.11 or newer), from the folder with Maskwright's sources:

       python -m venv ~/maskwright
       source ~/maskwright/bin/activate
       pip install PATH/TO/MASKWRIGHT

2. Start (PYTHON=... names another Python):

       sh launch.sh              # Ctrl+C finishes the step, saves and ends
       sh launch.sh --resume     # goes on with what was saved
       sbatch job.slurm          # on a Slurm cluster; look through its first lines before

   events.jsonl tells the progress, a line for each step: tail -f events.jsonl
   The drive must know file locks. Where it does not, copy the folder to a local drive first.

3. Bring it back: copy this folder (without images/, if it is large) to the machine with the project, then

       maskwright unpack PROJECT THIS_FOLDER

config.json may be changed before the start (device, workers, batch size). data/ may not: what comes back is
checked against what was packed.
"""


def slurm_script(run: str) -> str:
    """An example for sbatch."""
    return _SLURM.format(run=run)


def readme(*, project: str, run: str, images: int, epochs: int, download: str = "") -> str:
    """What the person at the other machine reads first; `download` names weights that have to be fetched there."""
    network = f"Its first start downloads the weights “{download}”." if download else "It trains without a network."
    return _README.format(project=project, run=run, images=images, epochs=epochs, network=network)
