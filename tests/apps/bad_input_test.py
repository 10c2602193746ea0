"""Bad input, all of it in one table: one line on standard error that names what is wrong, status 2, nothing written."""
import json
import os
import shutil

import h5py
import numpy as np
import pytest

from conftest import DATA, run

SPE10 = os.path.join(DATA, "spe10_model1_permx.grdecl")
FIELD = "--field two-phase --resolution 8x8"
ENSEMBLE = "--field lognormal --resolution 8x8"

# (parts needed, command, words that the line must hold)
TABLE = [
    # Options
    ("", "frobnicate", "frobnicate"),
    ("", "solve --frobnicate 3 -o f.h5", "--frobnicate"),
    ("", "solve --config unknown_key.toml", "unknown key 'frobnicate'"),
    ("", "solve --config broken.toml", "line 1"),
    ("", "solve --config deep.toml", "dots"),
    ("", "solve --config absent.toml", "absent.toml"),
    ("", "solve --seed x " + FIELD + " -o f.h5", "--seed"),
    ("petsc", "solve " + FIELD, "-o FILE"),
    ("petsc", "solve --field marble --resolution 8x8 -o f.h5", "marble"),
    ("petsc", "solve " + FIELD + " --problem waterfall -o f.h5", "waterfall"),
    ("petsc", "solve " + FIELD + " --tolerance 0 -o f.h5", "tolerance is 0"),
    ("petsc", "solve " + FIELD + " --phases 3,-12 -o f.h5", "-12"),
    ("petsc", "solve " + FIELD + " --phases 3 -o f.h5", "'3'"),
    ("petsc", "solve " + FIELD + " --seed -1 -o f.h5", "--seed"),
    ("petsc", "solve " + FIELD + " -o f.h5 --json absent/f.json", "absent"),
    ("petsc", "solve " + FIELD + " -o f.h5 -- -ksp_type nonsense", "nonsense"),
    ("petsc", "solve --permeability node.h5 -o f.h5", "node"),
    ("petsc", "solve --field lognormal --correlation-length 100 --resolution 8x8 -o f.h5", "100x100"),
    ("petsc", "solve --permeability matlab.h5 -o f.h5", "MATLAB"),
    ("petsc", "solve " + FIELD + " -o f.xyz", "f.xyz"),
    ("petsc", "solve " + FIELD + " --mean 3 -o f.h5", "--mean shapes lognormal and layered rock; --field two-phase has no use"),
    ("petsc", "solve " + FIELD + " --correlation-length 0.2x0.1 -o f.h5", "of two-phase rock it is one length"),
    ("petsc", "solve " + FIELD + " --correlation-length 9 -o f.h5", "correlation length is 9"),
    ("petsc", "generate --field lognormal --phases 1,2 --resolution 8x8 -o f.h5", "--phases shapes two-phase rock"),
    ("petsc", "solve --permeability " + SPE10 + " --grid 100x1x20 --section 1 --smoothness 2 -o f.h5", "--smoothness shapes lognormal rock; a permeability from a file"),
    ("petsc,torch", "train --generate two-phase --resolution 8x8 --samples 8 --contrast 5 -o r", "--contrast shapes channels rock"),
    # Ensembles
    ("petsc", "ensemble " + ENSEMBLE + " --quantity mean-pressure --tolerance 0.1", "-o FOLDER"),
    ("petsc", "ensemble " + ENSEMBLE + " --tolerance 0.1 -o e", "--quantity NAME"),
    ("petsc", "ensemble " + ENSEMBLE + " --quantity mean-pressure -o e", "--tolerance T"),
    ("petsc", "ensemble " + ENSEMBLE + " --quantity happiness --tolerance 0.1 -o e", "'happiness'"),
    ("petsc", "ensemble " + ENSEMBLE + " --quantity pressure@2,0.5 --tolerance 0.1 -o e", "outside the domain"),
    ("petsc", "ensemble " + ENSEMBLE + " --quantity pressure@0.5 --tolerance 0.1 -o e", "is no point"),
    ("petsc", "ensemble " + ENSEMBLE + " --quantity outflow@north --tolerance 0.1 -o e", "'north'"),
    ("petsc", "ensemble " + ENSEMBLE + " --quantity rate@P --tolerance 0.1 -o e", "no well is named 'P'"),
    ("petsc", "ensemble " + ENSEMBLE + " --well 3,0.5,rate=1 --quantity mean-pressure --tolerance 0.1 -o e", "outside the domain"),
    ("petsc", "ensemble " + ENSEMBLE + " --quantity mean-pressure --tolerance 0 -o e", "tolerance is '0'"),
    ("petsc", "ensemble " + ENSEMBLE + " --quantity mean-pressure --tolerance nan -o e", "tolerance is 'nan'"),
    ("petsc", "ensemble " + ENSEMBLE + " --quantity mean-pressure --tolerance 0.1,0.2 -o e", "2 tolerances for 1"),
    ("petsc", "ensemble " + ENSEMBLE + " --quantity mean-pressure --tolerance 0.1 --max-seconds 0 -o e", "max-seconds is 0"),
    ("petsc", "ensemble " + ENSEMBLE + " --quantity mean-pressure --tolerance 0.1 --cycles 2 -o e", "need --model"),
    ("petsc,torch", "ensemble " + ENSEMBLE + " --quantity mean-pressure --tolerance 0.1 --model absent -o e", "absent"),
    ("petsc", "ensemble " + ENSEMBLE + " --quantity mean-pressure --tolerance 0.1 -o absent/e", "absent"),
    ("petsc", "ensemble --field lognormal --resolution 16000x16000 --quantity mean-pressure --tolerance 0.1 -o e", "GB"),
    ("petsc", "ensemble --permeability " + SPE10 + " --grid 100x1x20 --section 1 --quantity mean-pressure --tolerance 0.1 -o e", "random rock"),
    # Resolutions and sizes
    ("petsc", "solve --field two-phase -o f.h5", "--resolution"),
    ("petsc", "solve --field two-phase --resolution 0x8 -o f.h5", "0x8"),
    ("petsc", "solve --field two-phase --resolution -8x8 -o f.h5", "-8x8"),
    ("petsc", "solve --field two-phase --resolution 8 -o f.h5", "'8'"),
    ("petsc", "solve --field two-phase --resolution 16000x16000 -o f.h5", "GB"),
    ("petsc", "generate --field two-phase --samples 2 --resolution 16000x16000 -o d.h5", "GB"),
    ("petsc", "generate --field two-phase --samples 0 --resolution 8x8 -o d.h5", "pass --samples N"),
    ("petsc", "generate --field lognormal --resolution 8x8x4 -o d.h5", "pass --samples N"),
    ("petsc", "generate --field two-phase --samples 18446744073709551615 --resolution 8x8 -o d.h5", "on the disk of d.h5"),
    ("petsc", "generate --field two-phase --samples 999999999999 --resolution 64x64 -o d.h5", "on the disk of d.h5"),
    ("petsc", "generate --field two-phase --samples 2 --first 18446744073709551615 --resolution 8x8 -o d.h5", "first is 18446744073709551615"),
    ("petsc", "generate --field file --permeability good.h5 --samples 18446744073709551615 --first 1 -o d.h5", "first is 1"),
    ("petsc", "generate --field two-phase --samples 2 --resolution 8x8 -o theirs.h5", "no generation put notes.txt there"),
    ("petsc", "generate --field two-phase --samples 2 --resolution 8x8 --also 8x8 -o d.h5", "twice"),
    ("petsc", "generate --field two-phase --samples 2 --resolution 8x8 --problem waterfall -o d.h5", "waterfall"),
    ("petsc", "solve " + FIELD + " --size 1x0 -o f.h5", "1x0"),
    ("", "generate --field two-phase --samples 2 --resolution 8x8 --device gpu -o d.h5", "device is 'gpu'"),
    ("", "generate --field two-phase --samples 2 --resolution 8x8 --device threads --left pressure=1 -o d.h5", "as they are"),
    ("", "generate --field two-phase --samples 2 --resolution 8x8 --device threads --problem closed -o d.h5", "five-spot as they are"),
    ("", "generate --field two-phase --samples 2 --resolution 8x8 --device threads -o d.h5 -- -ksp_monitor", "-ksp_monitor"),
    ("torch", "train --generate two-phase -o run", "--resolution"),
    ("torch", "train --generate marble --resolution 8x8 -o run", "marble"),
    ("torch", "train --generate two-phase --resolution 8x8 --samples 1 -o run", "samples is 1"),
    ("torch", "train --generate two-phase --resolution 8x8 --problem waterfall -o run", "waterfall"),
    # Sides, sources, wells
    ("petsc", "solve " + FIELD + " --left depth=1 -o f.h5", "depth=1"),
    ("petsc", "solve " + FIELD + " --left pressure=x -o f.h5", "'x'"),
    ("petsc", "solve " + FIELD + " --left pressure=1,2,3 -o f.h5", "3 values for 8 faces"),
    ("petsc", "solve " + FIELD + " --well 0.5,0.5 -o f.h5", "0.5,0.5"),
    ("petsc", "solve " + FIELD + " --well 0.5,0.5,bhp=1 -o f.h5", "radius"),
    ("petsc", "solve " + FIELD + " --well 0.5,0.5,bhp=1,radius=3 -o f.h5", "radius is 3"),
    ("petsc", "solve " + FIELD + " --well 0.5,7,rate=1 --left pressure=0 -o f.h5", "(0.5, 7)"),
    ("petsc", "solve " + FIELD + " --well 0.5,0.5,rate=1 -o f.h5", "balance the rates"),
    ("petsc", "solve " + FIELD + " --source absent.h5 --left pressure=0 -o f.h5", "absent.h5"),
    ("petsc", "solve " + FIELD + " --anisotropy -1 -o f.h5", "anisotropy is -1"),
    ("petsc", "solve " + FIELD + " --permeability-y PERMZ -o f.h5", "PERMZ"),
    ("petsc", "generate " + FIELD + " --samples 2 --ranks-per-sample 3 -o d.h5", "3 ranks a sample"),
    ("petsc", "generate --field file --permeability good.h5 --first 9 -o d.h5", "number 9"),
    ("", "merge -o d.h5", "no datasets"),
    ("", "merge good.h5 wide.h5 -o d.h5", "domain size"),
    ("", "merge good.h5 absent.h5 -o d.h5", "absent.h5"),
    # Permeability
    ("petsc", "solve --permeability zero.h5 -o f.h5", "cell (2, 1)"),
    ("petsc", "solve --permeability negative.h5 --sample 1 -o f.h5", "sample 1"),
    ("petsc", "solve --permeability nan.h5 -o f.h5", "nan"),
    ("petsc", "solve --permeability inf.h5 -o f.h5", "inf"),
    ("petsc", "generate --field file --permeability negative.h5 -o d.h5", "sample 1"),
    ("petsc", "solve --permeability good.h5 --resolution 16x16 -o f.h5", "16x16"),
    ("petsc", "solve --permeability good.h5 --sample 7 -o f.h5", "sample 7"),
    ("petsc", "solve --permeability good.h5 --keyword absent -o f.h5", "absent"),
    ("petsc", "solve --permeability text.h5 -o f.h5", "text.h5"),
    ("petsc", "solve --permeability binary.dat -o f.h5", "neither"),
    ("petsc", "solve --permeability absent.h5 -o f.h5", "absent.h5"),
    ("petsc", "solve --permeability flat.h5 -o f.h5", "[4]"),
    ("petsc", f"solve --permeability {SPE10} -o f.h5", "--grid"),
    ("petsc", f"solve --permeability {SPE10} --grid 100x1x21 --section 1 -o f.h5", "2100"),
    ("petsc", f"solve --permeability {SPE10} --grid 100x1x19 --section 1 -o f.h5", "more than 1900"),
    ("petsc", f"solve --permeability {SPE10} --grid 100x1x20 --section 2 -o f.h5", "section is 2"),
    ("petsc", f"solve --permeability {SPE10} --grid 100x1x20 --keyword PORO --section 1 -o f.h5", "PORO"),
    ("petsc", f"solve --permeability {SPE10} --grid 100x20 --section 1 -o f.h5", "100x20"),
    ("petsc,vtk", "solve --permeability broken.vti -o f.h5", "broken.vti"),
    # Output
    ("petsc", "solve " + FIELD + " -o absent/f.h5", "absent"),
    ("petsc", "solve " + FIELD + " -o /proc/f.h5", "/proc/f.h5"),
    ("petsc", "generate " + FIELD + " --samples 2 -o absent/d.h5", "absent"),
    ("petsc", "generate " + FIELD + " --samples 2 -o good.h5", "--overwrite"),
    # Files that would be replaced
    ("petsc", "solve --permeability good.h5 --sample 0 -o good.h5", "would replace 'good.h5' of --permeability"),
    ("petsc", "solve --permeability good.h5 --sample 0 -o used/../good.h5", "would replace 'good.h5' of --permeability"),
    ("petsc", "generate --field file --permeability good.h5 -o good.h5 --overwrite", "would replace 'good.h5' of --permeability"),
    ("torch", "predict --model run --data good.h5 -o good.h5", "would replace 'good.h5' of --data"),
    ("petsc,vtk", "simulate --permeability rock/01.vti -o rock.pvd", "would replace 'rock/01.vti' of --permeability"),
    ("petsc,vtk", "simulate --permeability rock.csv -o rock.pvd", "would replace 'rock.csv' of --permeability"),
    ("", "merge good.h5 fewer.h5 -o good.h5 --overwrite", "would replace 'good.h5'"),
    ("", "merge good.h5 fewer.h5 -o d.h5 --json fewer.h5", "would replace 'fewer.h5'"),
    ("torch", "evaluate --model run --data good.h5 --json good.h5", "would replace 'good.h5' of --data"),
    ("torch", "evaluate --model run --data good.h5 --json run/model.safetensors", "holds something else"),
    ("petsc", "solve " + FIELD + " -o f.h5 --json used/notes.txt", "used/notes.txt"),
    ("petsc", "solve " + FIELD + " -o f.h5 --json number.txt", "number.txt"),
    ("petsc", "generate " + FIELD + " --samples 2 -o d.h5 --json used/../d.h5", "and so is --output"),
    # Datasets
    ("", "info absent.h5", "absent.h5"),
    ("", "info text.h5", "text.h5"),
    ("", "info truncated.h5", "truncated"),
    ("", "info foreign.h5", "mano import"),
    ("", "info wrong_rank.h5", "[2, 1, 4, 4]"),
    ("", "import absent.h5 -o d.h5", "absent.h5"),
    ("", "import flat.h5 --coefficient coeff --solution coeff -o d.h5", "[4]"),
    ("", "import foreign.h5 --phases 3,12 -o d.h5", "neither 0 nor 1"),
    ("", "import foreign.h5 -o d.h5", "permeability is 0"),
    ("", "import foreign.h5 --location corner -o d.h5", "corner"),
    ("torch", "train --data absent.h5 -o run2", "absent.h5"),
    ("torch", "train --data truncated.h5 -o run2", "truncated"),
    ("torch", "train --data wrong_rank.h5 -o run2", "[2, 1, 4, 4]"),
    ("torch", "train --data still.h5 -o run2", "zero everywhere"),
    ("torch", "train --data huge.h5 -o run2", "huge.h5: permeabilities or pressures are beyond single precision"),
    ("torch", "train --data huge_rock.h5 -o run2", "huge_rock.h5: permeabilities or pressures are beyond single precision"),
    ("torch", "train --data foreign.h5 -o run2", "mano import"),
    ("torch", "train --data good.h5 -o run2 --preset giant", "giant"),
    ("torch", "train --data good.h5 -o run2 --modes 12", "--modes is not an option of mano"),
    ("torch", "train --data good.h5 -o run2 --model fno --convolutions 1", "--dim, --depth, --modes"),
    ("torch", "train --data good.h5 -o run2 --token-size 16", "smaller --token-size"),
    ("torch", "train --data good.h5 -o run2 --epochs 0", "epochs is 0"),
    ("torch", "train --data good.h5 -o run2 --device tpu", "tpu"),
    ("torch", "train --data good.h5 -o run2 --optimizer sgd", "expected muon or adamw"),
    ("torch", "train --data good.h5 -o run2 --device cuda", "cuda"),
    ("torch", "train --data good.h5 -o run2 --window 9", "window"),
    ("torch", "train --data good.h5 -o run2 --resume", "nothing to resume"),
    ("torch", "train --data good.h5 -o run", "--resume"),
    ("torch", "train --data good.h5 -o /proc/run", "/proc/run"),
    ("torch", "train --data good.h5 --data drive.h5 -o run2", "drive"),
    ("torch", "train --data good.h5 --data node.h5 -o run2", "values sit at the node"),
    ("torch", "train --data good.h5 -o run2 --model cnn", "cnn"),
    ("torch", "train --data good.h5 -o run2 --model vit --preset paper", "vit has small and large"),
    ("torch", "train --data good.h5 -o run2 --model fno --preset paper", "fno has small and wide and large"),
    ("torch", "train --data good.h5 -o run --resume --overwrite", "pass one of them"),
    ("torch", "train --data good.h5 -o run2 --model mano --patch 4", "--token-size"),
    ("torch", "train --data good.h5 -o run2 --patch 2", "--patch is 2, but it is not an option of MANO"),
    ("torch", "train --data good.h5 -o run2 --config patch.toml", "--token-size"),
    ("torch", "train --data good.h5 -o run2 --model lit --point-width 8", "--point-width"),
    ("torch", "train --data good.h5 -o run2 --model mat --point-width 8", "--point-width"),
    ("torch", "train --data good.h5 -o run2 --model vit --patch 4", "patches of 4x4"),
    ("torch", "train --data good.h5 -o run2 --model swin --patch 5", "--patch"),
    ("torch", "train --data good.h5 -o run2 --model swin --heads 5", "5 heads"),
    ("torch", "train --data good.h5 -o run2 --model fno --precision bf16", "mano alone"),
    ("torch", "train --data good.h5 -o run2 --refinement magic", "magic"),
    ("torch", "train --data node.h5 -o run2 --refinement residual", "--refinement approximate"),
    ("torch", "train --data good.h5 -o run2 --refinement residual", "too few points"),
    ("torch", "train --data good.h5 -o run2 --correction-steps 99", "correction-steps is 99"),
    ("torch", "train --data good.h5 -o run2 --cycles 99", "cycles is 99"),
    ("torch", "train --data good.h5 -o run2 --cycles 2 --refinement none", "cycles is 2, but all after the first need"),
    ("torch", "train --data good.h5 -o run2 --coarsening 5", "coarsening is 5, which does not divide"),
    ("torch", "train --data good.h5 -o run2 --coarsening -1", "coarsening is -1"),
    ("torch", "evaluate --model run --data good.h5 --method magic", "magic"),
    # Checkpoints
    ("torch", "evaluate --model run --data good.h5 --method interleaved --cycles 0", "--cycles and --accuracy are for"),
    ("torch", "evaluate --model absent --data good.h5", "absent"),
    ("torch", "evaluate --model truncated.safetensors --data good.h5", "truncated.safetensors"),
    ("torch", "evaluate --model version.safetensors --data good.h5", "schema version '99'"),
    ("torch", "evaluate --model architecture.safetensors --data good.h5", "another architecture"),
    ("torch", "evaluate --model good.h5 --data good.h5", "safetensors"),
    ("torch", "evaluate --model run --data drive.h5", "--force"),
    ("torch", "evaluate --model run --data wide.h5", "--force"),
    ("torch", "evaluate --model run --data node.h5", "--force"),
    ("torch", "predict --model run --data drive.h5 -o p.h5", "--force"),
    ("torch", "predict --model run --field two-phase --resolution 8x8 --size 2x1 -o p.h5", "--force"),
    ("torch,vtk", "predict --model run --data good.h5 -o p.vti", "--sample"),
    ("torch", "predict --model run --field two-phase --resolution 16000x16000 -o p.h5", "GB"),
    ("petsc,torch,vtk", "compare --model run --field two-phase --resolution 16000x16000 -o c", "GB"),
    ("torch", "predict --model run --data good.h5 --sample 9 -o p.h5", "sample 9"),
    ("torch,vtk", "compare --model run --data drive.h5 -o c", "--force"),
    ("torch,vtk", "compare --model run --field two-phase --seed 1 -o c", "--resolution"),
    ("petsc,torch,vtk", "compare --model run --field two-phase --resolution 16x16 --reference 24x24 -o c", "twice as fine"),
    ("torch,vtk", "compare --model run --data good.h5 --reference 64x64 -o c", "--reference"),
    ("petsc,torch,vtk", "compare --model run --field two-phase --resolution 16x16 -o used", "--overwrite"),
    ("petsc,torch,vtk", "compare --model run --field two-phase --resolution 16x16,32x32,16x16 -o c", "asked for twice"),
    ("petsc,torch,vtk", "compare --model run --field two-phase --resolution 16x16 -o c -- -ksp_rtol 1e-3", "-ksp_rtol"),
    ("torch", "calibrate --model run --data node.h5", "values sit at the node"),
    ("torch", "calibrate --model run --data good.h5", "trained on 4 of its 4"),
    ("torch", "calibrate --model run --data fewer.h5", "at least 10"),
    ("torch", "predict --model run --data good.h5 --correct 101 -o p.h5", "[0, 100]"),
    ("torch", "predict --model weights.pt --data good.h5 -o p.h5", "pickle"),
    ("torch", "predict --model run --data node.h5 --force --estimate -o p.h5", "equation is known"),
    ("torch", "predict --model run --data good.h5 --correct -1 -o p.h5", "correct is -1"),
    ("torch", "predict --model run --data good.h5 --samples 3 -o p.h5", "--samples"),
    ("torch", "predict --model run --field two-phase --resolution 8x8 --samples 0 -o p.h5", "samples is 0"),
    ("torch", "evaluate --model run/model.safetensors --data good.h5 --record", "RUN folder"),
    ("torch", "info truncated.safetensors", "truncated.safetensors"),
]


def dataset(path, k, setup="benchmark", size=(1.0, 1.0), location="cell", pressure=1.0):
    """A dataset as docs/dataset_format.md describes it, written without mano."""
    with h5py.File(path, "w") as f:
        f["permeability"] = k
        f["pressure"] = np.full_like(k, pressure)
        f["x-coordinate"] = (np.arange(k.shape[-1]) + 0.5) / k.shape[-1]
        f["y-coordinate"] = (np.arange(k.shape[-2]) + 0.5) / k.shape[-2]
        f.attrs["mano"] = np.bytes_(json.dumps({
            "schema": "mano.darcy", "schema_version": 1, "setup": setup, "size": size, "location": location,
            "field": "two-phase", "tolerance": 1e-10, "configuration": "{}", "program_version": "0.1.0"}))


def change_checkpoint(source, target, change):
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(source, "numpy") as f:
        metadata = f.metadata()
        tensors = {name: f.get_tensor(name) for name in f.keys()}
    change(metadata, tensors)
    save_file(tensors, target, metadata)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("bad")
    rng = np.random.default_rng(0)
    k = rng.uniform(1, 2, (4, 6, 6))
    dataset(path / "good.h5", k)
    dataset(path / "fewer.h5", k + 1)
    dataset(path / "drive.h5", k, setup="drive")
    dataset(path / "wide.h5", k, size=(2.0, 1.0))
    dataset(path / "node.h5", k, location="node")
    dataset(path / "still.h5", k, pressure=0.0)
    dataset(path / "huge.h5", k, pressure=1e30)
    dataset(path / "huge_rock.h5", 1e40 * k)
    dataset(path / "wrong_rank.h5", np.ones((2, 1, 4, 4)))
    for name, value in (("zero", 0.0), ("nan", np.nan), ("inf", np.inf)):
        bad = k.copy()
        bad[0, 1, 2] = value
        dataset(path / f"{name}.h5", bad)
    negative = k.copy()
    negative[1, 0, 0] = -1
    dataset(path / "negative.h5", negative)
    with h5py.File(path / "foreign.h5", "w") as f:
        f["coeff"] = np.array([[[0.0, 0.5], [1.0, 1.0]]])
        f["sol"] = np.ones((1, 2, 2))
    with h5py.File(path / "matlab.h5", "w") as f:
        f["coeff"] = np.ones((8, 9, 5))
        f["coeff"].attrs["MATLAB_class"] = np.bytes_("double")
    with h5py.File(path / "flat.h5", "w") as f:
        f["coeff"] = np.ones(4)
    whole = (path / "good.h5").read_bytes()
    (path / "truncated.h5").write_bytes(whole[: len(whole) * 2 // 3])
    (path / "text.h5").write_text("this is no HDF5\n")
    (path / "binary.dat").write_bytes(bytes(range(256)))
    (path / "broken.vti").write_text("<VTKFile")
    (path / "used").mkdir()
    (path / "used" / "notes.txt").write_text("of somebody else")
    (path / "theirs.h5.part").mkdir()
    (path / "theirs.h5.part" / "notes.txt").write_text("of somebody else")
    (path / "number.txt").write_text("3\n")
    (path / "rock").mkdir()
    (path / "rock" / "01.vti").write_text("<VTKFile")
    (path / "rock.csv").write_text("1 2 3\n")
    (path / "unknown_key.toml").write_text("frobnicate = 3\n")
    (path / "deep.toml").write_text("a." * 200000 + "b = 1\n")  # more tables than the stack holds
    (path / "patch.toml").write_text("patch = 4\n")
    (path / "broken.toml").write_text("resolution = \n")
    (path / "truncated.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    (path / "version.safetensors").write_bytes(b"")
    from conftest import PARTS

    if "torch" in PARTS:
        trained = run("train", "--data", "good.h5", "-o", "run", "--epochs", 1, "--refine-epochs", 1, cwd=path)
        assert trained.status == 0, trained.err
        model = path / "run" / "model.safetensors"
        (path / "truncated.safetensors").write_bytes(model.read_bytes()[:-100])
        change_checkpoint(model, path / "version.safetensors", lambda m, t: m.update(schema_version="99"))
        change_checkpoint(model, path / "architecture.safetensors", lambda m, t: t.pop("linear_q.bias"))
    return path


def listing(path):
    return sorted((str(p), p.stat().st_mtime_ns) for p in path.rglob("*"))


@pytest.mark.parametrize("parts, command, words", TABLE, ids=[row[1][:70].replace("/", "|") for row in TABLE])
def test_bad_input_is_one_line_status_2_and_nothing_written(folder, parts, command, words):
    from conftest import PARTS

    if any(part not in PARTS for part in parts.split(",") if part):
        pytest.skip("built without " + parts)
    before = listing(folder)
    result = run(*command.split(), cwd=folder)
    assert result.status == 2, f"status {result.status}: {result.err}"
    assert result.err.count("\n") == 1 and result.err.startswith("mano"), result.err
    assert words in result.err, result.err
    assert listing(folder) == before


@pytest.mark.parametrize("empty, words", [(["--left", ""], "that after --left"), (["--left="], "--left is empty"), ([""], "an argument is empty")])
def test_an_empty_value_is_no_option_left_out(tmp_path, empty, words):
    result = run("solve", "--field", "two-phase", "--resolution", "8x8", *empty, "-o", "f.h5", cwd=tmp_path)
    assert result.status == 2 and words in result.err and result.err.count("\n") == 1 and not list(tmp_path.iterdir())


@pytest.mark.needs("petsc")
def test_json_replaces_json_and_no_other_result(tmp_path):
    command = ["generate", *FIELD.split(), "--also", "4x4", "--samples", 2, "-o", "d.h5", "--json"]
    for old in ("", " \n[1]", '{"a": 1}'):
        (tmp_path / "d.json").write_text(old)
        assert run(*command, "d.json", "--overwrite", cwd=tmp_path).status == 0
        assert json.loads((tmp_path / "d.json").read_text())["samples"] == 2
    (tmp_path / "d-4x4.h5").unlink()
    result = run(*command, "d-4x4.h5", "--overwrite", cwd=tmp_path)
    assert result.status == 2 and result.err.count("\n") == 1 and "d-4x4.h5" in result.err, result.err
    assert h5py.is_hdf5(tmp_path / "d-4x4.h5")


def test_force_evaluates_another_problem(folder):
    from conftest import PARTS

    if "torch" not in PARTS:
        pytest.skip("built without torch")
    assert run("evaluate", "--model", "run", "--data", "drive.h5", "--force", cwd=folder).status == 0


def test_resuming_with_a_damaged_state_is_refused(folder, tmp_path):
    from conftest import PARTS

    if "torch" not in PARTS:
        pytest.skip("built without torch")
    shutil.copytree(folder / "run", tmp_path / "run")
    state = tmp_path / "run" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-8])
    result = run("train", "--data", folder / "good.h5", "-o", "run", "--epochs", 1, "--refine-epochs", 1, "--resume", cwd=tmp_path)
    assert result.status == 2 and "state.safetensors" in result.err
