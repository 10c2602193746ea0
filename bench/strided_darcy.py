#!/usr/bin/env python3
"""The protocol of the operator-learning literature for Darcy flow: fields of 85x85, strided from solutions on 421x421 points (Li et al., arXiv 2010.08895).

    python3 bench/strided_darcy.py build/release/mano FOLDER

writes FOLDER/train-85.h5 (1,000 fields) and FOLDER/test-85.h5 (200). The literature's files are not needed: these fields come from the
same distribution, a two-phase medium of 3 and 12, and are solved anew. Here values sit at cell centres, so the fine grid has 425x425
cells, of which every fifth, from the third on, is the centre of a cell of 85x85."""
import os
import subprocess
import sys

import h5py

FINE, STRIDE = 425, 5
PARTS = {"train": (1000, 1), "test": (200, 2)}


def main():
    mano, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    for part, (samples, seed) in PARTS.items():
        fine, strided, result = (os.path.join(folder, f"{name}.h5") for name in ("fine", "strided", f"{part}-85"))
        subprocess.run([mano, "generate", "--device", "threads", "--field", "two-phase", "--seed", str(seed), "--samples", str(samples),
                        "--resolution", f"{FINE}x{FINE}", "--precision", "float32", "--overwrite", "-o", fine], check=True)
        with h5py.File(fine) as f, h5py.File(strided, "w") as g:
            for name in ("permeability", "pressure"):
                g[name] = f[name][:, STRIDE // 2::STRIDE, STRIDE // 2::STRIDE]
        subprocess.run([mano, "import", strided, "--problem", "benchmark", "--overwrite", "-o", result], check=True)
        os.remove(fine)
        os.remove(strided)


if __name__ == "__main__":
    main()
