"""`python -m mano` is the program: its subcommands, options, messages and exit statuses (docs/cli.md).

It trains and predicts where a torch is installed that fits (mano.load says which); the rest needs none. MANO_PROGRAM names another program to run.
"""
import os
import pathlib
import sys

from ._errors import MissingPart
from ._model import check_torch

NEEDS_TORCH = {"train", "evaluate", "calibrate", "predict", "compare", "classify", "benchmark"}


def program() -> tuple[str, dict]:
    """The program's path and the environment that it needs."""
    environment = dict(os.environ)
    if environment.get("MANO_PROGRAM"):
        return environment["MANO_PROGRAM"], environment
    folder = pathlib.Path(__file__).parent / "bin"
    try:
        torch = check_torch()
    except MissingPart as missing:
        if NEEDS_TORCH & set(sys.argv[1:2]) and not {"--help", "-h"} & set(sys.argv):
            print(f"mano {sys.argv[1]}: error: {missing}", file=sys.stderr)
            sys.exit(2)
        return os.fspath(folder / "mano_without_torch"), environment
    paths = [torch / "lib", *sorted(torch.parent.glob("nvidia/*/lib"))]
    if torch.parent != folder.parent.parent:  # beside mano the program finds it by itself
        environment["LD_LIBRARY_PATH"] = os.pathsep.join([*map(os.fspath, paths), *filter(None, [environment.get("LD_LIBRARY_PATH")])])
    return os.fspath(folder / "mano_with_torch"), environment


def main() -> None:
    path, environment = program()
    if not os.access(path, os.X_OK):
        sys.exit(f"mano: error: no program at {path}: this mano was built without it")
    sys.stdout.flush()
    os.execve(path, ["mano", *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()
