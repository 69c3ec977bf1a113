// The drawer for whoever tries things: requests, clock and faults, magic numbers, search, export, reset.

import { announce, arrange, byId, element } from "./dom.js";
import { clockSeconds, phone, shortTime, summary, visible } from "./format.js";
import { numberOf, post, store } from "./store.js";
import { openThread } from "./threads.js";

const MOST_RESULTS = 50;
const requests = new Map(); // seq -> entry
let sure = 0;

export function startInspector() {
  startDrawer();
  startTabs();
  startClock();
  startFaults();
  startSearch();
  startReset();
  store.on("everything", () => {
    requests.clear();
    showRequests();
    showFaults();
    showClock();
    search();
  });
  store.on("request", (request) => {
    requests.delete(request.seq);
    showRequests();
  });
  store.on("faults", showFaults);
  store.on("clock", showClock);
  store.on("item", search);
}

function setDrawer(open) {
  byId("inspector").hidden = !open;
  byId("inspector-toggle").setAttribute("aria-expanded", String(open));
}

function startDrawer() {
  const toggle = byId("inspector-toggle");
  const close = () => {
    setDrawer(false);
    toggle.focus();
  };
  toggle.addEventListener("click", () => {
    if (!byId("inspector").hidden) return close();
    setDrawer(true);
    document.querySelector('[role="tab"][aria-selected="true"]').focus();
  });
  byId("inspector-close").addEventListener("click", close);
  byId("inspector").addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  store.on("item", ({ item }) => {
    if (item.status === "ringing") uncover();
  });
}

/** Where the drawer lies over the handset, it makes way for what happens there. */
function uncover() {
  if (matchMedia("(max-width: 1000px)").matches) setDrawer(false);
}

function startTabs() {
  const tabs = [...document.querySelectorAll('[role="tab"]')];
  const select = (chosen) => {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
    }
    chosen.focus();
  };
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) select(tabs[(index + step + tabs.length) % tabs.length]);
    });
  });
}

function showRequests() {
  byId("no-requests").hidden = store.requests.size > 0;
  const newest = [...store.requests.values()].sort((a, b) => b.seq - a.seq);
  for (const seq of requests.keys()) if (!store.requests.has(seq)) requests.delete(seq);
  const wanted = newest.map((request) => {
    if (!requests.has(request.seq)) requests.set(request.seq, requestEntry(request));
    return requests.get(request.seq);
  });
  arrange(byId("requests"), wanted);
}

function requestEntry(request) {
  const status = request.status ?? "…";
  const kind = status === "closed" || status >= 500 ? "bad" : status >= 300 ? "warn" : "good";
  const path = request.path + (request.query ? `?${request.query}` : "");
  return element(
    "li",
    { "data-testid": "request" },
    element(
      "details",
      {},
      element(
        "summary",
        {},
        element("span", { class: `code ${kind}` }, String(status)),
        element("b", {}, request.method),
        element("code", {}, visible(path)),
        element("time", {}, clockSeconds(Date.parse(request.at))),
      ),
      element("h4", {}, "Request"),
      element("pre", { dir: "auto" }, request.body === null ? "no body" : visible(JSON.stringify(request.body, null, 2))),
      element("h4", {}, "Answer"),
      element("pre", { dir: "auto" }, answerText(request)),
    ),
  );
}

function answerText({ status, answer }) {
  if (status === null) return "not answered yet";
  if (status === "closed") return "the connection was closed without an answer";
  try {
    return visible(JSON.stringify(JSON.parse(answer), null, 2));
  } catch {
    return visible(answer ?? "");
  }
}

function startClock() {
  for (const button of document.querySelectorAll("[data-advance]")) {
    button.addEventListener("click", () => attempt(post("/sandbox/clock", { advance_s: Number(button.dataset.advance) })));
  }
  byId("clock-frozen").addEventListener("click", () => attempt(post("/sandbox/clock", { frozen: !store.frozen })));
  setInterval(showClock, 1000);
}

function showClock() {
  byId("clock").textContent = clockSeconds(store.now());
  const offset = Math.round(store.offset);
  const runs = offset ? `${Math.abs(offset)} s ${offset > 0 ? "ahead of" : "behind"} real time` : "real time";
  byId("clock-offset").textContent = store.frozen ? "stands still" : runs;
  byId("clock-frozen").setAttribute("aria-pressed", String(store.frozen));
}

function startFaults() {
  byId("fault-form").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(post("/sandbox/faults", { next: Number(byId("fault-next").value), kind: byId("fault-kind").value }));
  });
  byId("fault-clear").addEventListener("click", () => attempt(post("/sandbox/faults", { next: 0 })));
  byId("telephony").addEventListener("change", () => attempt(post("/sandbox/faults", { telephony: byId("telephony").value })));
}

function showFaults() {
  const { next, kind, telephony } = store.faults;
  byId("fault-state").textContent = next ? `The next ${next === 1 ? "send gets" : `${next} sends get`} ${kind}.` : "Nothing is set.";
  byId("fault-state").classList.toggle("set", next > 0);
  byId("telephony").value = telephony;
}

function startSearch() {
  byId("search").addEventListener("input", search);
}

function search() {
  const wanted = byId("search").value.trim().toLowerCase();
  const digits = wanted.replace(/[\s()-]/g, "");
  const matches = (item) =>
    (item.body ?? item.prompt).toLowerCase().includes(wanted) || (/^\+?\d+$/.test(digits) && numberOf(item).includes(digits));
  const found = wanted ? [...store.items.values()].filter(matches).sort((a, b) => b.seq - a.seq) : [];
  byId("search-count").textContent = wanted ? `${found.length} found` : "Finds texts, pictures, calls and texts back.";
  byId("results").replaceChildren(...found.slice(0, MOST_RESULTS).map(result));
}

function result(item) {
  const words = element("span", { class: "preview", dir: "auto" }, item.type === "voice" ? visible(item.prompt) : summary(item));
  const top = element("span", { class: "thread-top" }, element("b", {}, phone(numberOf(item))), element("time", {}, shortTime(item.created_at, store.now())));
  const open = () => {
    uncover();
    openThread(numberOf(item), item.id);
  };
  return element("li", {}, element("button", { type: "button", "data-testid": "result", onclick: open }, top, words));
}

function startReset() {
  const button = byId("reset");
  const calm = () => {
    clearTimeout(sure);
    sure = 0;
    button.textContent = "Reset";
  };
  button.addEventListener("click", () => {
    if (sure) {
      calm();
      attempt(post("/sandbox/reset"));
      return;
    }
    button.textContent = "Forget everything?";
    sure = setTimeout(calm, 4000);
  });
  button.addEventListener("blur", calm);
}

function attempt(promise) {
  promise.catch((error) => announce(`The sandbox refused: ${error.message}`));
}
