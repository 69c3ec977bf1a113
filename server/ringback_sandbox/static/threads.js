// The list of threads and the open thread.

import { announce, arrange, byId, element } from "./dom.js";
import { hue, phone, shortTime, summary, visible } from "./format.js";
import { bubble } from "./bubble.js";
import { numberOf, post, store } from "./store.js";

const READ = "ringback-sandbox-read";
const NOTICE_MS = 6000;

const rows = new Map(); // number -> row
const bubbles = new Map(); // id -> bubble of the open thread
let open = null; // number of the open thread
let read = loadRead();
let noticeTimer = 0;

export function startThreads() {
  store.on("everything", showAll);
  store.on("reset", forget);
  store.on("item", ({ item, fresh }) => {
    showList();
    if (numberOf(item) === open) showThread();
    if (fresh && item.type !== "reply" && item.type !== "voice") arrived(item);
  });
  byId("back").addEventListener("click", () => closeThread());
  byId("notice").addEventListener("click", () => openThread(byId("notice").dataset.number));
  byId("thread-view").addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeThread();
  });
  startComposer();
}

/** Open a number's thread, and bring one of its items into view. */
export function openThread(number, id = null) {
  if (open !== number) byId("reply").value = "";
  open = number;
  hideNotice();
  byId("list-view").hidden = true;
  byId("thread-view").hidden = false;
  byId("views").dataset.open = "thread";
  byId("thread-title").textContent = phone(number);
  dress(byId("thread-avatar"), number);
  bubbles.clear();
  byId("bubbles").replaceChildren();
  showThread();
  byId("thread-title").focus({ preventScroll: true });
  const target = id && bubbles.get(id);
  if (target) {
    target.scrollIntoView({ block: "center" });
    target.classList.add("found");
    target.addEventListener("animationend", () => target.classList.remove("found"), { once: true });
  }
}

function closeThread() {
  const number = open;
  open = null;
  byId("list-view").hidden = false;
  byId("thread-view").hidden = true;
  byId("views").dataset.open = "list";
  showList();
  (rows.get(number)?.querySelector("button") ?? byId("list-title")).focus({ preventScroll: true });
}

function showAll() {
  showList();
  if (open !== null) showThread();
}

function forget() {
  read = {};
  saveRead();
  hideNotice();
  if (open !== null) closeThread();
}

function showList() {
  const threads = store.threads();
  byId("empty").hidden = threads.length > 0;
  const wanted = threads.map(([number, item]) => row(number, item));
  for (const number of [...rows.keys()]) if (!threads.some(([known]) => known === number)) rows.delete(number);
  arrange(byId("threads"), wanted);
}

function row(number, item) {
  if (!rows.has(number)) rows.set(number, emptyRow(number));
  const node = rows.get(number);
  const unread = item.type !== "reply" && number !== open && item.seq > (read[number] ?? 0);
  node.classList.toggle("unread", unread);
  node.querySelector("time").textContent = shortTime(item.created_at, store.now());
  node.querySelector(".preview").textContent = summary(item).slice(0, 160);
  node.querySelector(".unread-word").textContent = unread ? "Unread. " : "";
  return node;
}

function emptyRow(number) {
  const avatar = element("span", { class: "avatar", "aria-hidden": "true" });
  dress(avatar, number);
  return element(
    "li",
    {},
    element(
      "button",
      { type: "button", class: "thread", "data-testid": "thread", "data-number": number, onclick: () => openThread(number) },
      avatar,
      element(
        "span",
        { class: "thread-text" },
        element(
          "span",
          { class: "thread-top" },
          element("span", { class: "hidden unread-word" }),
          element("b", {}, phone(number)),
          element("time"),
        ),
        element("span", { class: "preview", dir: "auto" }),
      ),
      element("i", { class: "dot", "aria-hidden": "true" }),
    ),
  );
}

function dress(avatar, number) {
  avatar.style.setProperty("--hue", hue(number));
  avatar.textContent = number.slice(-2);
}

function showThread() {
  const list = byId("bubbles");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const items = store.thread(open);
  const wanted = items.map((item) => {
    bubbles.set(item.id, bubble(item, bubbles.get(item.id)));
    return bubbles.get(item.id);
  });
  arrange(list, wanted);
  if (atEnd) list.scrollTop = list.scrollHeight;
  read[open] = items.at(-1)?.seq ?? 0;
  saveRead();
}

function arrived(item) {
  const number = numberOf(item);
  announce(`${item.type === "mms" ? "Picture" : "Text"} to ${phone(number)}: ${visible(item.body)}`);
  // In the list its row tells already: it moves up and gets a dot.
  if (open !== null && number !== open) showNotice(item);
}

function showNotice(item) {
  const notice = byId("notice");
  const avatar = element("span", { class: "avatar", "aria-hidden": "true" });
  dress(avatar, numberOf(item));
  const words = element("span", { class: "preview", dir: "auto" }, summary(item).slice(0, 160));
  notice.dataset.number = numberOf(item);
  notice.replaceChildren(avatar, element("span", { class: "thread-text" }, element("b", {}, phone(numberOf(item))), words));
  notice.hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(hideNotice, NOTICE_MS);
}

function hideNotice() {
  clearTimeout(noticeTimer);
  byId("notice").hidden = true;
}

function startComposer() {
  const field = byId("reply");
  const grow = () => {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 120)}px`;
  };
  field.addEventListener("input", grow);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      byId("composer").requestSubmit();
    }
  });
  byId("composer").addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = field.value;
    if (!body.trim()) return;
    field.value = "";
    grow();
    if (!(await textBack(body))) field.value = body;
  });
  for (const word of byId("quick").querySelectorAll("button")) {
    word.addEventListener("click", () => textBack(word.textContent));
  }
}

/** Write back in the open thread; whether it was taken. */
async function textBack(body) {
  try {
    await post("/sandbox/replies", { from: open, body });
    byId("bubbles").scrollTop = byId("bubbles").scrollHeight;
    return true;
  } catch (error) {
    announce(`The text was not sent: ${error.message}`);
    return false;
  }
}

function loadRead() {
  try {
    return JSON.parse(localStorage.getItem(READ)) ?? {};
  } catch {
    return {};
  }
}

function saveRead() {
  try {
    localStorage.setItem(READ, JSON.stringify(read));
  } catch {
    // Without storage the dots come back on reload; nothing else depends on it.
  }
}
