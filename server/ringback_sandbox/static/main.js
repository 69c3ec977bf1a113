// Puts the parts together.

import { byId, announce } from "./dom.js";
import { clockTime, phone } from "./format.js";
import { store } from "./store.js";
import { startCalls } from "./call.js";
import { startInspector } from "./inspector.js";
import { startThreads } from "./threads.js";
import { startSound } from "./sound.js";

for (const node of document.querySelectorAll("[data-phone]")) node.textContent = phone(node.textContent);

const WORDS = { live: "Live", lost: "Reconnecting", connecting: "Connecting" };

store.on("connection", (state) => {
  const node = byId("connection");
  if (node.dataset.state === state) return;
  node.dataset.state = state;
  node.lastElementChild.textContent = WORDS[state];
  if (state === "lost") announce("The connection to the sandbox is lost. Trying again.");
});

function tick() {
  byId("phone-time").textContent = clockTime(store.now());
}

startSound();
startThreads();
startCalls();
startInspector();
for (const kind of ["everything", "clock"]) store.on(kind, tick);
setInterval(tick, 1000);
store.follow();
