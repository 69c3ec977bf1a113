// Ringing and key tones, and whether anything may be heard at all. Browsers allow sound only after a person has touched the page.

import { byId, setIcon } from "./dom.js";

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477];
const KEYS = "123456789*0#";

let context = null;
let on = true;
let ringTimer = 0;

export const soundOn = () => on;

export function startSound() {
  const wake = () => (context ??= new AudioContext());
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, wake, { once: true });
  byId("sound").addEventListener("click", () => {
    on = !on;
    if (!on) stopRinging();
    byId("sound").setAttribute("aria-pressed", String(on));
    setIcon(byId("sound"), on ? "sound" : "mute");
    document.dispatchEvent(new CustomEvent("sound"));
  });
}

/** The two tones of a key. */
export function keyTone(key) {
  const place = KEYS.indexOf(key);
  if (on && context && place >= 0) tones([ROWS[Math.floor(place / 3)], COLUMNS[place % 3]], 0, 0.14, 0.08);
}

/** Ring until told to stop. */
export function startRinging() {
  if (!on || !context || ringTimer) return;
  const ring = () => {
    tones([440, 480], 0, 0.9, 0.05);
    tones([440, 480], 1.2, 0.9, 0.05);
  };
  ring();
  ringTimer = setInterval(ring, 4000);
}

export function stopRinging() {
  clearInterval(ringTimer);
  ringTimer = 0;
}

function tones(frequencies, after, seconds, loudness) {
  const start = context.currentTime + after;
  for (const frequency of frequencies) {
    const tone = new OscillatorNode(context, { frequency });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setTargetAtTime(loudness, start, 0.01);
    gain.gain.setTargetAtTime(0, start + seconds - 0.03, 0.01);
    tone.connect(gain).connect(context.destination);
    tone.start(start);
    tone.stop(start + seconds + 0.1);
  }
}
