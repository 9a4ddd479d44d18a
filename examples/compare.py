#!/usr/bin/env python3
"""Compares two results of one model: compare.py RESULT.safetensors REFERENCE.safetensors [TOLERANCE]

Prints the shape, root mean square and a few values of each tensor, and its largest difference from the reference
relative to the reference's largest value. Exits with 1 where that passes the tolerance, a tensor is missing or a value
is not finite. The default tolerance, 2e-5, is what `ssmc check` allows arithmetic in float32.
"""
import math
import sys

import tensorfile


def compare(name, got, want, tolerance):
    (shape, values), (want_shape, reference) = got, want
    if shape != want_shape:
        print(f"  {name}: shape {shape}, the reference has {want_shape}")
        return False
    if not all(map(math.isfinite, values)):
        print(f"  {name}: not all values are finite")
        return False
    largest = max(map(abs, reference), default=0.0)
    error = max((abs(v - r) for v, r in zip(values, reference)), default=0.0)
    relative = error / largest if largest else error
    rms = math.sqrt(sum(v * v for v in values) / len(values)) if values else 0.0
    agrees = relative <= tolerance
    middle = shape[-1] // 2 if shape else 0  # of the first row: recordings begin with silence
    some = ", ".join(f"{value:.6g}" for value in values[middle:middle + 4])
    print(f"  {name} {shape}: rms {rms:.4g}, from element {middle} on {some}, …")
    print(f"    largest difference from float64: {relative:.1e} of the largest value, {largest:.4g}"
          f" ({'agrees' if agrees else 'DISAGREES'}, the bound is {tolerance:g})")
    return agrees


def main(result, reference, tolerance="2e-5"):
    got, want = tensorfile.read(result), tensorfile.read(reference)
    missing = sorted(set(want) - set(got))
    if missing or not want:
        sys.exit(f"error: {result}: no tensor {', '.join(missing) or 'at all'}")
    agree = [compare(name, got[name], want[name], float(tolerance)) for name in sorted(want)]
    sys.exit(0 if all(agree) else 1)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
