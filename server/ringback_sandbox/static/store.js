// What the page knows, kept the same as the sandbox by its event stream.

const MOST_REQUESTS = 100;

class Store extends EventTarget {
  items = new Map();
  requests = new Map();
  faults = { next: 0, kind: null, telephony: "enabled" };
  speech = false;
  instance = null;
  #ahead = 0; // milliseconds that the sandbox's clock is ahead of this machine's
  #still = null; // the moment at which that clock stands still
  offset = 0; // seconds that it is ahead of real time
  #waiting = null; // changes that came while everything was being fetched

  /** The sandbox's time in milliseconds. */
  now() {
    return this.#still ?? Date.now() + this.#ahead;
  }

  /** Whether the sandbox's clock stands still. */
  get frozen() {
    return this.#still !== null;
  }

  /** Follow the sandbox for as long as the page is open. */
  follow() {
    const source = new EventSource("/sandbox/events");
    source.addEventListener("hello", () => this.#refresh());
    for (const kind of ["message", "call", "reply", "request", "clock", "faults", "reset"]) {
      source.addEventListener(kind, (event) => this.#take(kind, event));
    }
    source.addEventListener("error", () => this.#tell("connection", "lost"));
  }

  async #refresh() {
    this.#waiting = [];
    const waiting = this.#waiting;
    try {
      const state = await get("/sandbox/state");
      if (waiting !== this.#waiting) return; // a newer connection has started over
      this.#waiting = null;
      this.items = new Map(state.items.map((item) => [item.id, item]));
      this.requests = new Map(state.requests.map((request) => [request.seq, request]));
      Object.assign(this, { faults: state.faults, speech: state.speech, instance: state.instance });
      this.#setClock(state.clock);
      this.#tell("connection", "live");
      this.#tell("everything");
      for (const [kind, seq, data] of waiting) if (seq > state.event) this.#apply(kind, data);
    } catch {
      this.#tell("connection", "lost"); // the stream breaks as well then, and comes back by itself
    }
  }

  #take(kind, event) {
    const seq = Number(event.lastEventId.split(":")[1]);
    const data = JSON.parse(event.data);
    if (this.#waiting) this.#waiting.push([kind, seq, data]);
    else this.#apply(kind, data);
  }

  #apply(kind, data) {
    if (kind === "reset") {
      this.items.clear();
      this.requests.clear();
      this.faults = { next: 0, kind: null, telephony: "enabled" };
      this.#refresh();
      this.#tell("reset");
      this.#tell("everything");
    } else if (kind === "clock") {
      this.#setClock(data);
      this.#tell("clock");
    } else if (kind === "faults") {
      this.faults = data;
      this.#tell("faults");
    } else if (kind === "request") {
      this.requests.set(data.seq, data);
      while (this.requests.size > MOST_REQUESTS) this.requests.delete(Math.min(...this.requests.keys()));
      this.#tell("request", data);
    } else {
      const fresh = !this.items.has(data.id);
      this.items.set(data.id, data);
      this.#tell("item", { item: data, fresh });
    }
  }

  #setClock(clock) {
    this.#ahead = Date.parse(clock.now) - Date.now();
    this.#still = clock.frozen ? Date.parse(clock.now) : null;
    this.offset = clock.offset_s;
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  on(type, listener) {
    this.addEventListener(type, (event) => listener(event.detail));
  }

  /** All items of a number, oldest first. */
  thread(number) {
    return [...this.items.values()].filter((item) => numberOf(item) === number).sort((a, b) => a.seq - b.seq);
  }

  /** The newest item of every number, newest first. */
  threads() {
    const newest = new Map();
    for (const item of this.items.values()) {
      const known = newest.get(numberOf(item));
      if (!known || known.seq < item.seq) newest.set(numberOf(item), item);
    }
    return [...newest].sort((a, b) => b[1].seq - a[1].seq);
  }

  /** The calls in this state, the one that came first in front. */
  calls(status) {
    return [...this.items.values()]
      .filter((item) => item.type === "voice" && item.status === status)
      .sort((a, b) => a.seq - b.seq);
  }
}

export const store = new Store();

export const numberOf = (item) => (item.type === "reply" ? item.from : item.to);

async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/** Ask the sandbox to do something; throws with its own words when it refuses. */
export async function post(path, given = {}) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(given),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}
