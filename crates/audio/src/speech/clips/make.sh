#!/bin/sh
# Speaks the clips anew: 8 kHz, mu-law (ITU-T G.711), without a header. Needs flite and ffmpeg (Debian).
# The voice is cmu_us_slt of flite; its notice is beside this file.
set -eu
cd "$(dirname "$0")"
say() {
    flite -voice slt -t "$2" -o /tmp/clip.wav
    ffmpeg -loglevel error -y -i /tmp/clip.wav -af \
        "silenceremove=start_periods=1:start_threshold=-45dB,areverse,silenceremove=start_periods=1:start_threshold=-45dB,areverse,volume=1.0" \
        -ar 8000 -ac 1 -f mulaw "$1.ulaw"
}
n=0
for digit in zero one two three four five six seven eight nine; do
    say "$n" "$digit."
    n=$((n + 1))
done
say room-number "Room number."
say no-room-number "No room number is set."
say extension "Extension."
say accepted "Accepted."
say moment "One moment, please."
say front-desk "Please wait for the front desk."
say refused "Not accepted."
say unknown-room "There is no such room."
say taken "Another phone is in this room."
say over "The time for this is over."
say other-room "This room can not be taken from the phone."
say password "Please dial the keypad password before the room number."
say no-answer "No answer yet."
rm -f /tmp/clip.wav
