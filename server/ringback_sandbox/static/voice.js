// Speaking a prompt and telling how far it has come: the sandbox's own voice, else the browser's, else silently in time.

import { soundOn } from "./sound.js";
import { store } from "./store.js";

const CHARACTERS_PER_SECOND = 15;

/** Speak the call's prompt; `progress` hears how many characters were said. Returns a function that stops it. */
export function speak(call, progress) {
  let stop = () => {};
  let stopped = false;
  const next = (start) => {
    if (!stopped) stop = start();
  };
  if (store.speech) next(() => recorded(call, progress, () => next(() => spoken(call.prompt, progress))));
  else next(() => spoken(call.prompt, progress));
  return () => {
    stopped = true;
    stop();
  };
}

function recorded(call, progress, fail) {
  const audio = new Audio(`/sandbox/calls/${encodeURIComponent(call.id)}/prompt.wav`);
  let failed = false;
  const giveUp = () => {
    if (!failed) fail();
    failed = true;
  };
  const setSound = () => (audio.muted = !soundOn());
  const follow = setInterval(() => {
    if (audio.duration > 0 && !audio.paused) progress((audio.currentTime / audio.duration) * call.prompt.length);
  }, 60);
  audio.addEventListener("ended", () => progress(call.prompt.length));
  audio.addEventListener("error", giveUp);
  document.addEventListener("sound", setSound);
  setSound();
  audio.play().catch(giveUp);
  return () => {
    failed = true;
    clearInterval(follow);
    document.removeEventListener("sound", setSound);
    audio.pause();
    audio.removeAttribute("src");
  };
}

function spoken(prompt, progress) {
  const voices = window.speechSynthesis?.getVoices() ?? [];
  if (!soundOn() || voices.length === 0) return silent(prompt, progress);
  const utterance = new SpeechSynthesisUtterance(prompt);
  utterance.addEventListener("boundary", (event) => progress(event.charIndex));
  utterance.addEventListener("end", () => progress(prompt.length));
  const quiet = () => soundOn() || speechSynthesis.cancel();
  document.addEventListener("sound", quiet);
  speechSynthesis.speak(utterance);
  return () => {
    document.removeEventListener("sound", quiet);
    speechSynthesis.cancel();
  };
}

function silent(prompt, progress) {
  const started = performance.now();
  const timer = setInterval(() => {
    const said = ((performance.now() - started) / 1000) * CHARACTERS_PER_SECOND;
    progress(said);
    if (said >= prompt.length) clearInterval(timer);
  }, 80);
  return () => clearInterval(timer);
}
