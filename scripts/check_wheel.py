"""What a wheel of mano links: check_wheel.py WHEEL. Fails where it carries a library, or needs one that docs/python.md does not name."""
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

# Of every Linux that manylinux wheels run on (PEP 600), but for libstdc++'s version.
ANYWHERE = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2", "libdl.so.2", "libpthread.so.0", "librt.so.1"}
TORCH = {"libtorch_cpu.so", "libc10.so", "libgomp.so.1"}
# Debian's, by package.
SYSTEM = {"libpetsc_real.so.3.18": "libpetsc-real3.18", "libmpi.so.40": "libopenmpi3", "libhdf5_openmpi.so.103": "libhdf5-openmpi-103-1", "libfftw3.so.3": "libfftw3-double3",
          "libdeflate.so.0": "libdeflate0", "libxxhash.so.0": "libxxhash0", "libtomlplusplus.so.3": "libtomlplusplus3", "libvtk": "libvtk9.1"}


def needs(file):
    text = subprocess.run(["readelf", "-d", file], capture_output=True, text=True, check=True).stdout
    paths = re.findall(r"(?:RPATH|RUNPATH).*\[(.*)\]", text)
    return re.findall(r"NEEDED.*\[(.*)\]", text), [p for path in paths for p in path.split(":") if p]


def main():
    (wheel,) = sys.argv[1:]
    wrong, named = [], set()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
        files = [f for f in pathlib.Path(folder).rglob("*") if f.is_file() and f.open("rb").read(4) == b"\x7fELF"]
        for file in files:
            name = file.relative_to(folder)
            if not (name.name.startswith("_") or name.parent.name == "bin"):
                wrong.append(f"{name}: a library that the wheel carries")
            libraries, paths = needs(file)
            for library in set(libraries) - ANYWHERE:
                package = next((p for known, p in SYSTEM.items() if library.startswith(known)), None)
                if package:
                    named.add(package)
                elif library not in TORCH or name.name.startswith(("_core", "mano_without_torch")):
                    wrong.append(f"{name}: needs {library}, which nothing names")
            wrong += [f"{name}: looks for libraries in {p}" for p in paths if not p.startswith("$ORIGIN") and not p.startswith("/usr/lib")]
    size = pathlib.Path(wheel).stat().st_size
    if wrong:
        sys.exit("\n".join(["check_wheel: error: " + line for line in wrong]))
    print(f"{wheel}: {size / 1e6:.1f} MB, {len(files)} binaries; no LibTorch; beside the C and C++ libraries it needs of Debian {', '.join(sorted(named))}")


if __name__ == "__main__":
    main()
