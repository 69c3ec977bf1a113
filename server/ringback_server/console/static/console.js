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
    if ("stays" in form.dataset) return; // it gives a file: the page stays, and so do its buttons
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
  function ahead(seconds) {
    if (seconds < 1) return seconds > 0 ? "in 1 s" : "its time has come";
    const units = [[86400, seconds >= 172800 ? "days" : "day"], [3600, "h"], [60, "min"], [1, "s"]];
    const first = Math.max(0, units.findIndex(([size]) => seconds >= size));
    const told = units.slice(first, first + 2).map(([size, name], at) =>
      [Math.floor((at ? seconds % units[first][0] : seconds) / size), name]);
    return `in ${told.filter(([count], at) => count || !at).map((part) => part.join(" ")).join(" ")}`;
  }
  function tick() {
    const now = Date.now() / 1000;
    document.querySelectorAll("[data-due]").forEach((item) => { item.textContent = ahead(Number(item.dataset.due) - now); });
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
    const acts = card.querySelector("form, .verdicts");
    const words = document.createElement("p");
    words.className = "over-words";
    words.append(list.dataset.over);
    const link = document.createElement("a");
    link.href = card.dataset.to ?? `/outbounds/${card.id}`;
    link.textContent = "See what became of it";
    words.append(link);
    acts.replaceWith(words);
    card.querySelector("[data-until], [data-due]")?.remove();
  }
  function settle(root) {
    const buttons = [...root.querySelectorAll("button:not(:disabled)")];
    buttons.forEach((button) => { button.disabled = true; });
    setTimeout(() => buttons.forEach((button) => { button.disabled = Boolean(button.form?.dataset.sent); }), SETTLE_MS);
  }
  document.querySelectorAll("[data-settle]").forEach(settle);
  document.querySelectorAll("[data-scripted]").forEach((item) => { item.hidden = false; });
  document.addEventListener("change", async (event) => {
    const file = event.target.files?.[0], box = document.getElementById(event.target.dataset.into);
    if (!file || !box) return;
    const told = document.getElementById(event.target.dataset.told), most = Number(event.target.dataset.most);
    box.value = file.size > most ? "" : await file.text();
    told.textContent = file.size > most ? `${file.name} is larger than ${Math.floor(most / 1024)} KiB. Take it in with: ringback optout import`
      : `${file.name} stands in the box below. Nothing is stored before you press the button.`;
  });

  function merge(fresh) {
    const here = cards(list), there = cards(fresh.querySelector("[data-list]"));
    let came = 0, before = null;
    for (const [id, card] of here) {
      if (there.has(id)) continue;
      if (list.dataset.over) end(card);
      else card.remove();
    }
    for (const [id, card] of there) {
      const old = here.get(id);
      if (old) {
        // Its content never changes; its standing may: late, or erased.
        // A list that grew is shown as it is even under a hand: the buttons rest for a moment then.
        const held = old.contains(document.activeElement) && !("whole" in old.dataset);
        const kept = old.dataset.mark === card.dataset.mark || held || old.querySelector("[data-sent]");
        if (!kept) renew(old, card);
        before = kept ? old : card;
        continue;
      }
      came += 1;
      card.classList.add("fresh");
      settle(card);
      place(card, before);
      before = card;
    }
    const count = there.size;
    document.querySelector("[data-empty]").hidden = count > 0 || list.childElementCount > 0;
    if (came) announce.textContent = came === 1 ? list.dataset.came : `${came} ${list.dataset.cameMore}`;
    tick();
  }
  function renew(old, card) {
    settle(card);
    if ("whole" in card.dataset) { // a list: who came to it is told, and nothing that was open closes
      const known = new Set([...old.querySelectorAll("[data-member]")].map((row) => row.dataset.member));
      card.querySelectorAll("[data-member]").forEach((row) => { row.querySelector("[data-new]").hidden = known.has(row.dataset.member); });
      old.querySelectorAll("details").forEach((part, at) => {
        const same = card.querySelectorAll("details")[at];
        if (same) same.open = part.open;
      });
      announce.textContent = `A list changed: it has ${card.dataset.whole} recipients now.`;
    }
    const summaries = [...old.querySelectorAll("summary")], at = summaries.indexOf(document.activeElement);
    const held = old.contains(document.activeElement);
    old.replaceWith(card);
    if (held) (card.querySelectorAll("summary")[at] ?? document.getElementById("main")).focus();
  }
  function place(card, before) {
    const rest = [...list.children];
    const below = rest.slice(before ? rest.indexOf(before) + 1 : 0).filter((item) => !item.dataset.ended);
    if (!below.length) {
      list.append(card);
      return;
    }
    below.forEach(settle); // they move
    below[0].before(card);
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
      // Where a form is on its way, its answer is the next page.
      if (!document.querySelector("form[data-sent]")) location.reload();
      return;
    }
    if (answer.status === 404) { // what was shown was erased: it must not stay on the screen
      location.replace(location.pathname);
      return;
    }
    if (!answer.ok) throw new Error("not refreshed");
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (list) merge(fresh);
    if (swaps) swap(fresh);
    document.querySelectorAll("[data-badge]").forEach((old) => {
      const badge = fresh.querySelector(`[data-badge="${old.dataset.badge}"]`);
      if (badge) old.replaceWith(badge);
    });
    document.querySelectorAll("[data-part]").forEach((old) => {
      const part = fresh.querySelector(`[data-part="${old.dataset.part}"]`);
      if (part && part.innerHTML !== old.innerHTML) old.replaceChildren(...part.childNodes);
    });
    document.querySelectorAll("[data-shown]").forEach((old) => {
      const other = fresh.querySelector(`[data-shown="${old.dataset.shown}"]`);
      if (other) old.hidden = other.hidden; // what somebody typed there stays
    });
    document.querySelectorAll("[data-able]").forEach((old) => {
      const other = fresh.querySelector(`[data-able="${old.dataset.able}"]`);
      if (other) old.disabled = other.disabled;
    });
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
    const events = new EventSource(`/events${document.querySelector("[data-near]") ? "?near" : document.querySelector("[data-often]") ? "?often" : ""}`);
    events.addEventListener("ready", follow);
    events.addEventListener("changed", follow);
    events.addEventListener("ended", () => { events.close(); location.reload(); });
    events.addEventListener("error", () => {
      connected(false);
      if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
    });
  }
})();
