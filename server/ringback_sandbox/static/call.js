// A call takes over the screen: it rings, is answered or declined, is spoken and shown, and takes keys.

import { announce, byId, element, icon } from "./dom.js";
import { callSummary, duration, phone, visible } from "./format.js";
import { keyTone, startRinging, stopRinging } from "./sound.js";
import { post, store } from "./store.js";
import { speak } from "./voice.js";

const LETTERS = { 2: "ABC", 3: "DEF", 4: "GHI", 5: "JKL", 6: "MNO", 7: "PQRS", 8: "TUV", 9: "WXYZ", 0: "+" };
const SHOWN_DIGITS = 14;
const ENDED_MS = 1400;
const FRESH_MS = 4000; // a page that is opened in the middle of a call does not start to speak

let shown = null; // { id, state }
let hush = () => {};
let before = null; // where the focus was
let closing = 0;
let pressing = Promise.resolve(); // keys leave one after the other, in the order pressed

export function startCalls() {
  for (const kind of ["item", "everything", "reset"]) store.on(kind, show);
  setInterval(showTime, 500);
  document.addEventListener("keydown", typed);
}

function show() {
  // What voicemail took is nothing that the handset's owner is in.
  const call = store.calls("in-progress").find((each) => each.answered_by === "person") ?? store.calls("ringing")[0];
  if (call) {
    if (shown?.id !== call.id || shown.state !== call.status) take(call);
    bringUpToDate(call);
  } else if (shown && shown.state !== "over") {
    end(store.items.get(shown.id));
  }
}

function take(call) {
  const panel = byId("call");
  clearTimeout(closing);
  if (!shown) before = document.activeElement;
  shown = { id: call.id, state: call.status };
  hush();
  hush = () => {};
  const ringing = call.status === "ringing";
  panel.replaceChildren(...(ringing ? ringingScreen(call) : talkingScreen(call)));
  panel.setAttribute("role", ringing ? "alertdialog" : "dialog");
  panel.setAttribute("aria-labelledby", "call-state call-from");
  if (ringing) panel.setAttribute("aria-describedby", "call-to");
  else panel.removeAttribute("aria-describedby");
  panel.dataset.state = call.status;
  panel.hidden = false;
  byId("views").inert = true;
  if (ringing) startRinging();
  else stopRinging();
  // The title takes the focus, not a button: a space typed at this moment must not answer.
  byId("call-state").focus({ preventScroll: true });
  if (!ringing) startSpeaking(call);
}

function end(call) {
  hush();
  stopRinging();
  const panel = byId("call");
  if (!call || shown.state === "ringing") {
    if (call) announce(callSummary(call));
    close();
    return;
  }
  shown.state = "over";
  panel.dataset.state = "over";
  announce(`Call ended. ${callSummary(call)}`);
  byId("call-state").textContent = "Call ended";
  for (const button of panel.querySelectorAll("button")) button.disabled = true;
  closing = setTimeout(close, ENDED_MS);
}

function close() {
  shown = null;
  byId("views").inert = false;
  byId("call").hidden = true;
  byId("call").replaceChildren();
  if (before?.isConnected) before.focus({ preventScroll: true });
  before = null;
}

function head(call, state) {
  return element(
    "div",
    { class: "call-head" },
    element("p", { class: "call-state", id: "call-state", tabindex: "-1" }, state),
    element("p", { class: "call-from", id: "call-from" }, phone(call.from)),
    element("p", { class: "call-to", id: "call-to" }, `to ${phone(call.to)}`),
    element("p", { class: "call-more", id: "call-more" }),
  );
}

function ringingScreen(call) {
  const rings = element("div", { class: "rings", "aria-hidden": "true" }, element("i"), element("i"), element("i"), icon("phone"));
  const act = (verb) => () => post(`/sandbox/calls/${call.id}/${verb}`).catch((error) => announce(error.message));
  return [
    head(call, "Incoming call"),
    rings,
    element(
      "div",
      { class: "call-acts" },
      roundAct("decline", "Decline", act("decline")),
      roundAct("answer", "Answer", act("answer")),
    ),
    element("button", { type: "button", class: "to-voicemail", "data-testid": "voicemail", onclick: act("voicemail") }, icon("voicemail"), "Let voicemail take it"),
  ];
}

function roundAct(kind, word, onclick) {
  return element("button", { type: "button", class: `act ${kind}`, "data-testid": kind, onclick }, element("span", {}, icon("phone")), word);
}

function talkingScreen(call) {
  const keys = element("div", { class: "keypad", role: "group", "aria-label": "Keypad" });
  for (const key of "123456789*0#") {
    keys.append(
      element(
        "button",
        { type: "button", class: "key", "data-testid": `key-${key}`, "data-key": key, "aria-label": key === "*" ? "star" : key === "#" ? "hash" : key, onclick: () => press(key) },
        element("b", {}, key),
        element("small", { "aria-hidden": "true" }, LETTERS[key] ?? ""),
      ),
    );
  }
  const hangUp = () => post(`/sandbox/calls/${call.id}/hangup`).catch((error) => announce(error.message));
  return [
    head(call, "0:00"),
    element("div", { class: "captions", role: "region", "aria-label": "What the caller says", tabindex: "0", "data-testid": "captions", dir: "auto" }),
    element("output", { class: "digits", "data-testid": "digits", "aria-label": "Keys pressed" }),
    keys,
    element("div", { class: "call-acts" }, roundAct("decline", "Hang up", hangUp)),
  ];
}

function bringUpToDate(call) {
  const waiting = store.calls("ringing").filter((other) => other.id !== call.id).length;
  byId("call-more").textContent = waiting ? `${waiting} more ${waiting === 1 ? "call is" : "calls are"} waiting` : "";
  const digits = byId("call").querySelector(".digits");
  if (digits) digits.textContent = call.digits.length > SHOWN_DIGITS ? `…${call.digits.slice(-SHOWN_DIGITS)}` : call.digits;
  showTime();
}

function showTime() {
  if (shown?.state !== "in-progress") return;
  const call = store.items.get(shown.id);
  if (call) byId("call-state").textContent = duration((store.now() - Date.parse(call.answered_at)) / 1000);
}

function startSpeaking(call) {
  const captions = byId("call").querySelector(".captions");
  const words = [...call.prompt.matchAll(/\S+\s*/g)].map((match) => {
    const node = element("span", {}, visible(match[0]));
    captions.append(node);
    return { node, at: match.index };
  });
  announce(`The caller says: ${visible(call.prompt)}`);
  const progress = (said) => {
    let last = null;
    for (const { node, at } of words) {
      node.classList.toggle("said", at < said);
      if (at < said) last = node;
    }
    if (last) keepInView(captions, last);
  };
  if (store.now() - Date.parse(call.answered_at) > FRESH_MS) progress(Infinity);
  else hush = speak(call, progress);
}

function keepInView(box, node) {
  const below = node.offsetTop - box.offsetTop + node.offsetHeight - box.clientHeight;
  if (below > box.scrollTop) box.scrollTop = below + 12;
}

function typed(event) {
  if (shown?.state !== "in-progress" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select") || !/^[0-9*#]$/.test(event.key)) return;
  event.preventDefault();
  press(event.key);
}

function press(key) {
  const { id } = shown;
  keyTone(key);
  const button = byId("call").querySelector(`[data-key="${key}"]`);
  button.classList.remove("pressed");
  void button.offsetWidth; // starts the animation again for the same key
  button.classList.add("pressed");
  pressing = pressing
    .then(() => post(`/sandbox/calls/${id}/keys`, { keys: key }))
    .catch((error) => announce(`The key was not taken: ${error.message}`));
}
