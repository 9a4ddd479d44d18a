"""Prints the shared libraries that a program names, and whether it is small: needs.py PROGRAM"""
import os
import re
import sys

with open(sys.argv[1], "rb") as file:
    content = file.read()
# Names of libraries that a program needs stand in its table of strings, each after a zero byte.
for name in sorted(set(re.findall(rb"\0(lib[\w+-]+\.so[.\d]*)(?=\0)", content))):
    if name not in (b"libcuda.so.1", b"libnvidia-ml.so.1"):  # opened when it runs
        print(name.decode())
print("less than 2 MB" if os.path.getsize(sys.argv[1]) < 2000000 else "large")
