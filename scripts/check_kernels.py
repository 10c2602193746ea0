"""For scripts/check-kernels: a table of compiled kernels, and what is wrong with them.

Reads, for each FOLDER/ARCHITECTURE-FILE given, .log of 'nvcc -Xptxas -v' and .sass of 'nvdisasm -c'.
"""

import collections
import os
import re
import sys

ATTENTION = re.compile(r"\d(forward|backward_queries|backward_keys)I(f|NS_8BFloat16E)Li(\d+)ELi(\d+)E(?:Lb([01])E)?")
OTHER = re.compile(r"(correction_(?:residual|squares|input|products|add))")
INSTRUCTION = re.compile(r"\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_.]*)\s*([^;]*);")
MOST_REGISTERS = 128  # four blocks of 128 threads a multiprocessor

# Instructions that a kernel of window 2 may have, by D: four percent above what nvcc 13.0 makes.
WIDTHS = (8, 16, 32, 64)
CEILINGS = {
    ("forward", "bfloat16", "1"): (720, 1090, 1880, 2140),
    ("forward", "bfloat16", "any"): (1130, 1520, 2280, 2530),
    ("forward", "float32", "1"): (620, 920, 1620, 1760),
    ("forward", "float32", "any"): (1040, 1340, 1960, 2150),
    ("backward_queries", "bfloat16", "1"): (1000, 1580, 2710, 3010),
    ("backward_queries", "bfloat16", "any"): (1390, 2000, 3110, 3400),
    ("backward_queries", "float32", "1"): (860, 1290, 2100, 2320),
    ("backward_queries", "float32", "any"): (1270, 1700, 2510, 2710),
    ("backward_keys", "bfloat16", "-"): (750, 1130, 1920, 2230),
    ("backward_keys", "float32", "-"): (660, 980, 1650, 1790),
}


class Kernel:
    def __init__(self, mangled):
        self.attention = attention = ATTENTION.search(mangled)
        if attention:
            self.name, number, width, window, one = attention.groups()
            self.type, self.width = "float32" if number == "f" else "bfloat16", int(width)
            self.stride = {"1": "1", "0": "any", None: "-"}[one]
        else:
            self.name, self.type, self.width, self.stride = OTHER.search(mangled)[1], "-", 0, "-"
        self.registers = self.stack = self.spilled = None
        self.counts = collections.Counter()
        self.narrow_shared = False

    def __str__(self):
        stride = "" if self.stride == "-" else f", stride {self.stride}"
        return f"{self.name} ({self.type}, D = {self.width}{stride})" if self.attention else self.name

    @property
    def instructions(self):
        return sum(self.counts.values())

    def faults(self):
        local = self.counts["LDL"] + self.counts["STL"]
        found = {
            f"spills {self.spilled} bytes": self.spilled,
            f"keeps a stack of {self.stack} bytes": self.stack,
            f"has {self.registers} registers, more than {MOST_REGISTERS}": self.registers > MOST_REGISTERS,
            f"has {local} instructions that reach local memory": local,
            "has no instructions that could be read": not self.instructions,
        }
        if self.attention:
            ceiling = CEILINGS[self.name, self.type, self.stride][WIDTHS.index(self.width)]
            found |= {
                f"calls functions {self.counts['CALL']} times": self.counts["CALL"],
                f"has {self.instructions} instructions, more than {ceiling}": self.instructions > ceiling,
                "reads or writes shared memory less than 16 bytes at a time": self.narrow_shared,
            }
        return [fault for fault, is_so in found.items() if is_so]


def kernels(made):
    found, kernel = {}, None
    with open(made + ".log") as log:
        for line in log:
            if entry := re.search(r"Compiling entry function '(\w+)'", line):
                kernel = found[entry[1]] = Kernel(entry[1])
            elif numbers := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
                kernel.stack, kernel.spilled = int(numbers[1]), int(numbers[2]) + int(numbers[3])
            elif numbers := re.search(r"Used (\d+) registers", line):
                kernel.registers = int(numbers[1])
    kernel = None
    with open(made + ".sass") as listing:
        for line in listing:
            if section := re.match(r"\.text\.(\w+):", line):
                kernel = found[section[1]]
            elif kernel and (instruction := INSTRUCTION.match(line)):
                operation, operands = instruction[1].split(".")[0], instruction[2]
                # For sm_80 loops are left by a CALL of a label of their own kernel, from which nothing returns: a jump.
                if operation == "CALL" and "(.L_" in operands:
                    operation = "BRA"
                kernel.narrow_shared |= operation in ("LDS", "STS") and ".128" not in instruction[1]
                if operation != "NOP":
                    kernel.counts[operation] += 1
    order = ("forward", "backward_queries", "backward_keys")
    return sorted(found.values(), key=lambda k: (order.index(k.name) if k.attention else 0, k.name, k.type, k.stride, k.width, k.instructions))


def main():
    faults, checked = [], 0
    print(f"{'':8}{'kernel':21}{'numbers':10}{'stride':>7}{'D':>4}{'registers':>11}{'instructions':>14}{'FFMA':>7}{'stack':>7}{'CALL':>6}")
    for made in sys.argv[1:]:
        architecture = os.path.basename(made).split("-")[0]
        for k in kernels(made):
            if wrong := k.faults():
                faults.append(f"{k} for {architecture} {', '.join(wrong)}")
            checked += 1
            print(f"{architecture:8}{k.name:21}{k.type:10}{k.stride:>7}{k.width or '-':>4}{k.registers:11}{k.instructions:14}"
                  f"{k.counts['FFMA']:7}{k.stack:7}{k.counts['CALL']:6}")
    for fault in faults:
        print(f"check-kernels: {fault}", file=sys.stderr)
    if not checked or faults:
        sys.exit(f"check-kernels: {len(faults)} of {checked} kernels are not as they should be")
    print(f"{checked} kernels checked")


if __name__ == "__main__":
    main()
