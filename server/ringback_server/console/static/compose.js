"use strict";
// A conversation that is open: its newest entry in sight, and what is typed counted as a carrier counts it.
(() => {
  const log = document.querySelector("[data-log]");
  const end = () => { log.scrollTop = log.scrollHeight; };
  const list = log.querySelector("[data-list]");
  let near = true;
  log.addEventListener("scroll", () => { near = log.scrollHeight - log.scrollTop - log.clientHeight < 60; });
  // Whoever reads further up is not torn away from there.
  new MutationObserver(() => { if (near) end(); }).observe(list, { childList: true });
  end();

  const form = document.querySelector("[data-compose]");
  if (!form) return;
  const BASIC = new Set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
  const EXTENDED = new Set("\f^{}\\[~]|€");
  const box = form.querySelector("textarea"), size = form.querySelector("[data-size]"), send = form.querySelector("[data-send]");
  const limit = Number(form.dataset.limit);

  function pack(costs, single, part) {
    if (costs.reduce((sum, cost) => sum + cost, 0) <= single) return costs.length ? 1 : 0;
    let count = 1, room = part;
    for (const cost of costs) {
      if (cost > room) { count += 1; room = part; }
      room -= cost;
    }
    return count;
  }
  function segments(chars) {
    if (chars.every((char) => BASIC.has(char) || EXTENDED.has(char))) {
      return [pack(chars.map((char) => (EXTENDED.has(char) ? 2 : 1)), 160, 153), "GSM-7"];
    }
    return [pack(chars.map((char) => char.length), 70, 67), "UCS-2"];
  }
  function count() {
    const chars = [...box.value], [parts, encoding] = segments(chars), over = chars.length - limit;
    const told = `${chars.length.toLocaleString("en")} of ${limit.toLocaleString("en")} characters`;
    const more = parts ? ` · ${parts} segment${parts === 1 ? "" : "s"} (${encoding})` : "";
    size.textContent = over > 0 ? `${told}: ${over.toLocaleString("en")} too many` : told + more;
    size.classList.toggle("over-limit", over > 0);
    send.disabled = over > 0 || Boolean(form.dataset.sent);
  }
  box.addEventListener("input", count);
  count();
})();
