#!/usr/bin/env python3
"""Scores sound for `cargo xtask bench media`: PESQ (ITU-T P.862.2, P.862.1), STOI and delay.

Reads one JSON object a line: {"reference": WAV, "degraded": WAV, "expected": s, "slack": s, "mode": "wb"|"nb"}.
The reference (16 kHz) is looked for in the degraded recording (any rate of 16 bit, mono or stereo) `slack` around
`expected`, by cross-correlation, and what stands there is scored. Writes one object a line:
{"pesq", "stoi", "start": s in the degraded recording}, without what could not be found: silence has none of them.

PESQ's reference code is ITU's: for evaluation, not shipped with anything.
"""
import functools
import json
import multiprocessing
import sys
import warnings
import wave

import numpy
from pesq import NoUtterancesError, pesq
from pystoi import stoi
from scipy.signal import correlate, resample_poly

RATE = 16000


@functools.lru_cache(maxsize=24)
def read(path, first=0.0, length=None):
    """Samples at 16 kHz, as floats of -1 to 1; silence where the file has ended."""
    with wave.open(path, "rb") as file:
        rate, channels = file.getframerate(), file.getnchannels()
        file.setpos(min(int(first * rate), file.getnframes()))
        frames = int(length * rate) if length else file.getnframes()
        samples = numpy.frombuffer(file.readframes(frames), "<i2").reshape(-1, channels)[:, 0] / 32768.0
        samples = numpy.pad(samples, (0, max(0, frames - len(samples))))
    return samples if rate == RATE else resample_poly(samples, RATE, rate)


def score(line):
    task = json.loads(line)
    warnings.simplefilter("ignore")
    reference = read(task["reference"])
    begin = max(0.0, task["expected"] - task["slack"])
    window = read(task["degraded"], begin, len(reference) / RATE + 2 * task["slack"])
    if window.std() < 1e-4:
        return {}
    at = int(numpy.argmax(correlate(window, reference, "valid", "fft")))
    degraded = window[at : at + len(reference)]
    result = {"start": begin + at / RATE}
    try:
        if task["mode"] == "nb":
            result["pesq"] = float(pesq(8000, resample_poly(reference, 1, 2), resample_poly(degraded, 1, 2), "nb"))
        else:
            result["pesq"] = float(pesq(RATE, reference, degraded, "wb"))
        result["stoi"] = float(stoi(reference, degraded, RATE))
    except (NoUtterancesError, RuntimeError):
        pass
    return result


def main():
    with multiprocessing.Pool() as pool:
        for result in pool.imap(score, sys.stdin, chunksize=4):
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
