"""mano's datasets as .npz, as .mat of the FNO benchmark's layout, as .pt of neuraloperator's. See docs/dataset_format.md. Fields of volumes are
[N, nz, ny, nx] in all of them."""
import json
import os
import pathlib
import pickle
import sys
import types
import zipfile

import h5py
import numpy as np


HISTORY = ("saturation", "time", "water_cut", "recovery", "elapsed_time", "breakthrough")  # of a displacement alone


def read(path):
    with h5py.File(path) as f:
        if "mano" not in f.attrs:
            raise SystemExit(f"export: error: {path} is not a mano dataset")
        version = json.loads(f.attrs["mano"])["schema_version"]
        if version not in (1, 2, 3):
            raise SystemExit(f"export: error: {path}: dataset schema version {version}, this script reads versions 1 to 3")
        data = {name: f[name][()] for name in ("permeability", "pressure", "x-coordinate", "y-coordinate", "seed", "sample")}
        data.update({name: f[name][()] for name in (*HISTORY, "z-coordinate") if name in f})
        data.update({name: f[name][()] for name in ("active", "wells") if name in f})
        units = json.loads(f.attrs["mano"]).get("units")
        if units:
            data["units"] = json.dumps(units)
        return data


def write_npz(path, data):
    np.savez_compressed(path, **{name.replace("-", "_"): values for name, values in data.items()})


def more(data):
    """What only some datasets have: the active cells, wells of each sample's own, the units as JSON, a history in time."""
    return {name: data[name] for name in ("active", "wells", "units", *HISTORY) if name in data}


def solution(data):
    """What a network learns: the saturation of a displacement [N, T, ny, nx], else the pressure [N, ny, nx]."""
    return data["saturation"] if "saturation" in data else data["pressure"]


def write_mat(path, data):
    """coeff and sol [N, ny, nx], the names and axes of the FNO benchmark's files."""
    import scipy.io

    scipy.io.savemat(path, {"coeff": data["permeability"], "sol": solution(data), **({"pressure": data["pressure"]} if "saturation" in data else {}), "x": data["x-coordinate"],
                            "y": data["y-coordinate"], **({"z": data["z-coordinate"]} if "z-coordinate" in data else {}), **more(data)}, do_compression=True)


class Storage:
    """What PyTorch pickles of a tensor's numbers: where to find them in the archive."""

    def __init__(self, key, values):
        self.key, self.values = key, values


def write_pt(path, data):
    """{'x': permeability, 'y': pressure, or saturation [N, T, ny, nx]} and 'active' where some cells are not, float32, as torch.save() writes it, without needing PyTorch in Python."""
    torch = types.ModuleType("torch")
    utils = types.ModuleType("torch._utils")

    def _rebuild_tensor_v2():
        raise NotImplementedError

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    torch._utils = utils

    class Tensor:
        def __init__(self, key, values):
            self.storage, self.shape = Storage(key, values), values.shape

        def __reduce__(self):
            strides = tuple(int(np.prod(self.shape[d + 1:])) for d in range(len(self.shape)))
            return _rebuild_tensor_v2, (self.storage, 0, tuple(self.shape), strides, False, {})

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, Storage):
                return ("storage", torch.FloatStorage, value.key, "cpu", value.values.size)
            return None

    tensors = {"x": np.ascontiguousarray(data["permeability"], "<f4"), "y": np.ascontiguousarray(solution(data), "<f4")}
    if "active" in data:
        tensors["active"] = np.ascontiguousarray(data["active"], "<f4")
    known = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules.update({"torch": torch, "torch._utils": utils})
    try:
        import io

        pickled = io.BytesIO()
        Pickler(pickled, protocol=2).dump({name: Tensor(str(i), v) for i, (name, v) in enumerate(tensors.items())})
    finally:
        for name, module in known.items():
            sys.modules.pop(name) if module is None else sys.modules.__setitem__(name, module)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", pickled.getvalue())
        archive.writestr("archive/byteorder", "little")
        for i, values in enumerate(tensors.values()):
            archive.writestr(f"archive/data/{i}", values.tobytes())
        archive.writestr("archive/version", "3\n")


def resolution(data):
    """WxH, of volumes WxHxD."""
    return "x".join(str(n) for n in data["permeability"].shape[:0:-1])


def main():
    writers = {".npz": write_npz, ".mat": write_mat, ".pt": write_pt}
    if len(sys.argv) != 3 or pathlib.Path(sys.argv[2]).suffix not in writers:
        raise SystemExit("export: error: expected DATA.h5 and an output in .npz, .mat or .pt")
    source, target = sys.argv[1], pathlib.Path(sys.argv[2])
    if not os.path.isfile(source):
        raise SystemExit(f"export: error: no such file: {source}")
    data = read(source)
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.tmp{target.suffix}")
    try:
        writers[target.suffix](temporary, data)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    print(f"wrote {target}: {len(data['pressure'])} samples of {resolution(data)}")


if __name__ == "__main__":
    main()
