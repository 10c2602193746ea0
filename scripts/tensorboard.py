"""RUN/log.jsonl as TensorBoard's event files: losses and learning rate by epoch, one run a folder. See scripts/tensorboard."""
import argparse
import json
import pathlib

from tensorboardX import SummaryWriter


def convert(run, folder):
    log = run / "log.jsonl"
    if not log.is_file():
        raise SystemExit(f"tensorboard: error: {run} holds no log.jsonl: name a RUN folder of 'mano train'")
    with SummaryWriter(str(folder / run.name)) as writer:
        for line in log.read_text().splitlines():
            entry = json.loads(line)
            stage = entry.get("stage", "base")
            for name in ("train_relative_l2", "validation_relative_l2", "train_cross_entropy", "validation_cross_entropy", "learning_rate", "seconds"):
                if name in entry:
                    writer.add_scalar(f"{stage}/{name}", entry[name], entry["epoch"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=pathlib.Path, metavar="RUN")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True, metavar="FOLDER")
    options = parser.parse_args()
    for run in options.runs:
        convert(run, options.output)
        print(f"wrote {options.output / run.name}")


if __name__ == "__main__":
    main()
