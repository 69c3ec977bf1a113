// One item of a thread: a text, a picture, a call, or a text back.

import { element, icon, setIcon } from "./dom.js";
import { callSummary, clockTime, visible } from "./format.js";

const STATUS = {
  queued: "Queued",
  sent: "Sent",
  delivered: "Delivered",
  undelivered: "Not delivered",
  failed: "Failed",
};

/** The item as a list entry; a known one is brought up to date in place. */
export function bubble(item, known) {
  const node = known ?? (item.type === "voice" ? callEntry(item) : textEntry(item));
  node.dataset.status = item.status ?? "";
  if (item.type === "voice") node.querySelector(".call-words").textContent = callSummary(item);
  else if (item.type !== "reply") showStatus(node, item);
  return node;
}

function entry(item, kind, ...children) {
  return element(
    "li",
    { class: `entry ${kind}`, "data-testid": "bubble", "data-id": item.id, "data-type": item.type },
    ...children,
  );
}

function textEntry(item) {
  const own = item.type === "reply";
  const words = element("p", { class: "words", dir: "auto" }, visible(item.body));
  const foot = element("p", { class: "foot" }, element("time", {}, clockTime(Date.parse(item.created_at))));
  if (!own) foot.append(element("span", { class: "tick" }, icon("queued"), element("span")));
  const who = element("span", { class: "hidden" }, own ? "You wrote: " : "The agent wrote: ");
  return entry(item, own ? "own" : "theirs", who, item.media ? picture(item) : null, words, foot);
}

function showStatus(node, item) {
  const tick = node.querySelector(".tick");
  const word = STATUS[item.status] ?? item.status;
  const shape = item.status === "failed" ? "undelivered" : item.status;
  setIcon(tick, shape in STATUS ? shape : "queued");
  tick.lastElementChild.textContent = item.error ? `${word}: ${item.error}` : word;
}

function callEntry(call) {
  const time = element("time", {}, clockTime(Date.parse(call.created_at)));
  const words = element("span", { class: "call-words" });
  const prompt = element("details", {}, element("summary", {}, "What was said"), element("p", { dir: "auto" }, visible(call.prompt)));
  return entry(call, "talk", element("p", {}, icon("phone"), words, time), prompt);
}

function picture(item) {
  const { host, file, local } = item.media;
  if (local) return image(local, `Picture ${file}`, host);
  const name = element("span", { class: "card-name" }, element("b", {}, file || "Picture"), element("span", {}, host));
  if (/\.(pdf|docx?|xlsx?|zip|vcf|mp[34])$/i.test(file)) {
    const link = element(
      "a",
      { class: "button", href: item.media_url, target: "_blank", rel: "noopener noreferrer", referrerpolicy: "no-referrer" },
      `Open from ${host}`,
    );
    return element("div", { class: "card" }, icon("file"), name, link);
  }
  const card = element("div", { class: "card" }, icon("picture"), name);
  const load = () => card.replaceWith(image(item.media_url, `Picture ${file}`, host));
  card.append(element("button", { type: "button", class: "button", "data-testid": "load-picture", onclick: load }, `Load picture from ${host}`));
  return card;
}

function image(src, alt, host) {
  const node = element("img", { class: "picture", src, alt, referrerpolicy: "no-referrer", "data-testid": "picture" });
  node.addEventListener("error", () => {
    node.replaceWith(element("p", { class: "card" }, icon("picture"), `The picture could not be loaded from ${host}.`));
  });
  node.addEventListener("load", () => {
    const list = node.closest(".bubbles");
    if (list && list.scrollHeight - list.scrollTop - list.clientHeight < node.clientHeight + 120) list.scrollTop = list.scrollHeight;
  });
  return node;
}
