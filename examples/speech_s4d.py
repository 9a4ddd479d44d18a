#!/usr/bin/env python3
"""Makes the inputs of models/s4d.ssm from a recorded voice: speech_s4d.py OUT.safetensors [VOICE.wav]

The voice is "Front Center" of Debian's alsa-utils, 1.43 s at 48 kHz: low-passed by a 97-tap Hamming-windowed sinc,
decimated by 3 to 16 kHz, the same waveform into each of 8 channels. The layer is S4D-Lin (Gu et al. 2022,
https://arxiv.org/abs/2206.11893) with 32 states a channel: A_n = -1/2 + i pi n, C and D standard normal from a fixed
seed, and steps dt spread evenly in their logarithm over [0.001, 0.1], one a channel.
"""
import array
import math
import sys
import wave
from operator import mul

import tensorfile

VOICE = "/usr/share/sounds/alsa/Front_Center.wav"
CHANNELS, STATES, DECIMATE, TAPS = 8, 32, 3, 97


def read_voice(path):
    with wave.open(path) as sound:
        if (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) != (1, 2, 48000):
            sys.exit(f"error: {path}: expected one channel of 16 bits at 48 kHz")
        samples = array.array("h")
        samples.frombytes(sound.readframes(sound.getnframes()))
    if sys.byteorder == "big":
        samples.byteswap()
    return [s / 32768 for s in samples]


def decimate(samples):
    """Each third sample after a low pass at 0.9 of the new Nyquist frequency."""
    half = TAPS // 2
    taps = []
    for m in range(-half, half + 1):
        x = math.pi * m * 0.9 / DECIMATE
        window = 0.54 - 0.46 * math.cos(2 * math.pi * (m + half) / (TAPS - 1))
        taps.append((math.sin(x) / x if m else 1.0) * window)
    total = sum(taps)
    taps = [t / total for t in taps]
    padded = [0.0] * half + samples + [0.0] * half
    return [sum(map(mul, taps, padded[t:t + TAPS])) for t in range(0, len(samples), DECIMATE)]


def main(out, voice=VOICE):
    u = decimate(read_voice(voice))
    normal = tensorfile.Normal("speech_s4d")
    a = [part for _ in range(CHANNELS) for n in range(STATES) for part in (-0.5, math.pi * n)]
    dt = [10 ** (-3 + 2 * c / (CHANNELS - 1)) for c in range(CHANNELS)]
    tensorfile.write(out, {
        "u": ([1, CHANNELS, len(u)], u * CHANNELS),
        "A": ([CHANNELS, STATES, 2], a),
        "C": ([CHANNELS, STATES, 2], normal(CHANNELS * STATES * 2, math.sqrt(0.5))),
        "D": ([CHANNELS], normal(CHANNELS)),
        "dt": ([CHANNELS], dt),
    })
    print(f"{out}: {len(u) / 16000:.2f} s of speech, {len(u)} steps, {CHANNELS} channels, {STATES} complex states")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
