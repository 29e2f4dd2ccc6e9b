#!/usr/bin/env python3
"""Speech for `cargo xtask bench media`: clips of 8 to 10 s at -26 dBov, 16 kHz mono, 16 bit.

    speech.py OUT DEB...     clip-00.wav to clip-11.wav from Debian's asterisk-core-sounds-*-g722 packages, taken in turn
                             (recorded prompts, CC-BY-SA: used here, never committed), and spoken-0.wav, spoken-1.wav by
                             espeak-ng, which may be committed.
    programme-N-RATE.wav     What a call says, and programme-N.json which clip begins at which second: one clip to warm up,
                             then six (0 and 1 share the recordings between them), or both of espeak-ng twice (2).

Needs dpkg, ffmpeg and espeak-ng, and numpy and scipy.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import wave

import numpy
from scipy.signal import resample_poly

RATE = 16000
CLIPS = 12
LEVEL = -26.0  # dBov while somebody speaks, as ITU-T P.830 wants it
SPOKEN = [
    ("en-gb", "Good evening, this is the front desk. Your wake up call is set for half past six, and breakfast is served "
              "on the second floor until ten."),
    ("de", "Guten Tag, hier ist der Empfang. Der Zimmerservice kommt in zwanzig Minuten, und morgen fährt um acht Uhr "
           "ein Wagen zum Flughafen."),
]


def decoded(path):
    """Samples of a file, as floats of -1 to 1."""
    form = ["-f", "g722"] if path.suffix == ".g722" else []
    command = ["ffmpeg", "-v", "error", *form, "-i", str(path), "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"]
    return numpy.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, "<i2") / 32768.0


def loud(samples):
    """Which frames of 20 ms hold speech: within 30 dB of the loudest."""
    frames = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    power = (frames**2).mean(axis=1)
    return power > power.max(initial=0.0) / 1000.0, power


def trimmed(samples):
    """Without the silence at both ends."""
    spoken = numpy.flatnonzero(loud(samples)[0])
    return samples[spoken[0] * 320 : (spoken[-1] + 1) * 320] if len(spoken) else samples[:0]


def levelled(samples):
    """At LEVEL, the pauses not counted."""
    spoken, power = loud(samples)
    samples = samples * (10 ** (LEVEL / 20) / numpy.sqrt(power[spoken].mean()))
    return samples / max(1.0, numpy.abs(samples).max() / 0.98)


def write(path, samples, rate=RATE):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((numpy.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def clips(folder, count):
    """`count` clips of one voice: prompts of 1.5 to 7 s, one after the other with pauses."""
    pause = numpy.zeros(int(0.4 * RATE))
    ready, current = [], pause[:0]
    for path in sorted(folder.rglob("*.g722"), key=lambda path: path.name):
        # Beside prompts there are noises and tones.
        if path.parent.name == "silence" or "tone" in path.name or not 12_000 <= path.stat().st_size <= 60_000:
            continue
        prompt = trimmed(decoded(path))
        if len(current) + len(prompt) > 9.6 * RATE or len(prompt) < RATE:
            continue
        current = numpy.concatenate([current, pause, levelled(prompt)])
        if len(current) >= 8 * RATE:
            ready.append(levelled(numpy.concatenate([current, pause])))
            current = pause[:0]
            if len(ready) == count:
                return ready
    sys.exit(f"too little speech in {folder}")


def programme(out, number, named):
    """Clips one after the other with pauses, at the rates that codecs take."""
    sound, begins = numpy.zeros(RATE // 2), []
    for name, clip in named:
        begins.append({"clip": name, "start": len(sound) / RATE})
        sound = numpy.concatenate([sound, clip, numpy.zeros(RATE // 2)])
    sound = numpy.concatenate([sound, numpy.zeros(RATE)])
    for rate in [8000, 16000, 48000]:
        write(out / f"programme-{number}-{rate}.wav", resample_poly(sound, rate // 8000, RATE // 8000), rate)
    (out / f"programme-{number}.json").write_text(json.dumps(begins))


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    packages = sys.argv[2:]
    voices = []
    for package in packages:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["dpkg", "-x", package, folder], check=True)
            voices.append(clips(pathlib.Path(folder), CLIPS // len(packages)))
    # Voices take turns, so that any few clips in a row hold all of them.
    named = []
    for number, clip in enumerate(clip for turn in zip(*voices) for clip in turn):
        named.append((f"clip-{number:02}", clip))
    spoken = []
    for number, (voice, text) in enumerate(SPOKEN):
        path = out / f"espeak-{number}.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", "160", "-w", str(path), text], check=True)
        pause = numpy.zeros(int(0.4 * RATE))
        spoken.append((f"spoken-{number}", levelled(numpy.concatenate([pause, trimmed(decoded(path)), pause]))))
        path.unlink()
    for name, clip in named + spoken:
        write(out / f"{name}.wav", clip)
    half = CLIPS // 2
    programme(out, 0, named[-1:] + named[:half])
    programme(out, 1, named[:1] + named[half:])
    programme(out, 2, spoken + spoken)


main()
