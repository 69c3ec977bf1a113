"use strict";
// Keeps the page up to date. Everything works without it, by loading the page again.
(() => {
  const list = document.querySelector("[data-list]");
  const swaps = document.querySelector("[data-swap]");
  const announce = document.querySelector("[data-announce]");
  const state = document.querySelector("[data-live-state]");
  const SETTLE_MS = 800; // a card that just came must not catch a click that was meant for something else

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    // Only after the browser has read the pressed button's value.
    setTimeout(() => form.querySelectorAll("button").forEach((button) => { button.disabled = true; }), 0);
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  function left(seconds) {
    if (seconds <= 0) return "time is up";
    const minutes = Math.floor(seconds / 60), rest = Math.floor(seconds % 60);
    if (!minutes) return `${rest} s left`;
    return rest ? `${minutes} min ${rest} s left` : `${minutes} min left`;
  }
  function tick() {
    const now = Date.now() / 1000;
    document.querySelectorAll("[data-until]").forEach((item) => {
      const seconds = Number(item.dataset.until) - now;
      item.textContent = left(seconds);
      item.classList.toggle("soon", seconds < 60);
    });
  }
  tick();
  setInterval(tick, 1000);

  const cards = (root) => new Map([...root.querySelectorAll("[data-card]")].map((card) => [card.id, card]));

  function end(card) {
    // It stays where it is, so that nothing moves under a hand; only its buttons go.
    if (card.dataset.ended) return;
    card.dataset.ended = "1";
    card.classList.add("over");
    const form = card.querySelector("form");
    const words = document.createElement("p");
    words.className = "over-words";
    words.append("No longer waiting: answered elsewhere, cancelled, or out of time. ");
    const link = document.createElement("a");
    link.href = `/outbounds/${card.id}`;
    link.textContent = "See what became of it";
    words.append(link);
    form.replaceWith(words);
    card.querySelector("[data-until]")?.remove();
  }

  function merge(fresh) {
    const here = cards(list), there = cards(fresh.querySelector("[data-list]"));
    let came = 0;
    for (const [id, card] of here) if (!there.has(id)) end(card);
    for (const [id, card] of there) {
      if (here.has(id)) continue;
      came += 1;
      card.classList.add("fresh");
      const buttons = card.querySelectorAll("button");
      buttons.forEach((button) => { button.disabled = true; });
      setTimeout(() => buttons.forEach((button) => { button.disabled = false; }), SETTLE_MS);
      list.append(card);
    }
    const count = there.size;
    document.querySelector("[data-empty]").hidden = count > 0 || list.childElementCount > 0;
    if (came) announce.textContent = came === 1 ? "A new request waits for your answer." : `${came} new requests wait for your answer.`;
    tick();
  }

  function swap(fresh) {
    const other = fresh.querySelector("[data-swap]");
    if (!other || other.innerHTML === swaps.innerHTML) return;
    if (swaps.querySelector("details[open]") || swaps.querySelector("[data-sent]")) return; // somebody reads here
    const focused = swaps.contains(document.activeElement);
    swaps.replaceChildren(...other.childNodes);
    if (focused) document.getElementById("main").focus();
    tick();
  }

  async function refresh() {
    const answer = await fetch(location.pathname, { headers: { "X-Ringback-Live": "1" }, redirect: "manual", cache: "no-store" });
    if (answer.type === "opaqueredirect" || answer.status === 403) {
      location.reload();
      return;
    }
    if (!answer.ok) throw new Error("not refreshed");
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (list) merge(fresh);
    if (swaps) swap(fresh);
    const badge = fresh.querySelector(".count"), old = document.querySelector(".count");
    if (badge && old) old.replaceWith(badge);
    document.title = fresh.title;
  }

  let again = false, busy = false;
  async function follow() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      try {
        await refresh();
        connected(true);
      } catch {
        connected(false);
      }
    } while (again);
    busy = false;
  }
  function connected(yes) {
    if (state) state.hidden = yes;
  }

  if (document.querySelector("header.bar")) {
    const events = new EventSource("/events");
    events.addEventListener("ready", follow);
    events.addEventListener("changed", follow);
    events.addEventListener("ended", () => { events.close(); location.reload(); });
    events.addEventListener("error", () => {
      connected(false);
      if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
    });
  }
})();
