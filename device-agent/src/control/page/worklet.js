// Between the browser's sound, in pieces of 128 samples, and blocks of 10 ms: 480 samples, 48 kHz, mono.
const BLOCK = 480;
// Blocks to have before sound begins, and the most that wait.
const BEGIN = 4, MOST = 20;

class Phone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.said = new Int16Array(BLOCK);
    this.at = 0;
    this.waiting = [];
    this.playing = null;
    this.played = 0;
    this.flowing = false;
    this.port.onmessage = ({ data }) => {
      this.waiting.push(data);
      if (this.waiting.length > MOST) this.waiting.splice(0, this.waiting.length - BEGIN);
    };
  }

  next() {
    if (!this.flowing) this.flowing = this.waiting.length >= BEGIN;
    const block = this.flowing ? this.waiting.shift() : undefined;
    if (!block) this.flowing = false;
    return block ?? null;
  }

  process([[microphone]], [[speaker]]) {
    for (let n = 0; n < speaker.length; n++) {
      const sample = microphone ? microphone[n] : 0;
      this.said[this.at++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
      if (this.at === BLOCK) {
        this.port.postMessage(this.said.slice());
        this.at = 0;
      }
      if (!this.playing || this.played === BLOCK) {
        this.playing = this.next();
        this.played = 0;
      }
      speaker[n] = this.playing ? this.playing[this.played++] / 32768 : 0;
    }
    return true;
  }
}

registerProcessor("phone", Phone);
