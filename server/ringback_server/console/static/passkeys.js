"use strict";
// Has the browser's authenticator make or use a passkey, then posts what it said as any other form.
(() => {
  if (!window.PublicKeyCredential) return;
  document.documentElement.classList.add("scripted");

  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const descriptors = (list) => (list ?? []).map((item) => ({ ...item, id: bytes(item.id) }));

  async function ask(path, fields) {
    const answer = await fetch(path, { method: "POST", body: new URLSearchParams(fields), redirect: "manual", cache: "no-store" });
    if (answer.ok) return answer.json();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    throw new Error(page.querySelector(".narrow p")?.textContent || "The console refused it. Load this page again.");
  }

  function told(credential, response) {
    const encoded = Object.fromEntries(Object.entries(response).map(([name, value]) => [name, value && text(value)]));
    return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response: encoded });
  }

  async function sign({ nonce, options }) {
    const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: descriptors(options.allowCredentials) };
    const credential = await navigator.credentials.get({ publicKey });
    const { clientDataJSON, authenticatorData, signature, userHandle } = credential.response;
    return { nonce, credential: told(credential, { clientDataJSON, authenticatorData, signature, userHandle }) };
  }

  async function make({ nonce, options }) {
    const publicKey = {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: descriptors(options.excludeCredentials),
    };
    const credential = await navigator.credentials.create({ publicKey });
    const { clientDataJSON, attestationObject } = credential.response;
    return { nonce, credential: told(credential, { clientDataJSON, attestationObject }) };
  }

  const uses = {
    approve: async ({ csrf, id, shown, choice }) =>
      ({ csrf, id, shown, choice, ...await sign(await ask("/answer/challenge", { csrf, id, shown, choice })) }),
    list: async ({ csrf, ids, shown, choice }, path) =>
      ({ csrf, ids, shown, choice, ...await sign(await ask(`${path}/challenge`, { csrf, ids, shown, choice })) }),
    remove: async ({ csrf, id }) =>
      ({ csrf, id, ...await sign(await ask("/passkeys/challenge", { csrf, use: "remove", id })) }),
    create: async ({ csrf, label, passphrase }) =>
      ({ csrf, label, ...await make(await ask("/passkeys/create", { csrf, label, passphrase })) }),
    add: async ({ csrf, label }) => {
      const signed = await sign(await ask("/passkeys/challenge", { csrf, use: "add" }));
      return { csrf, label, ...await make(await ask("/passkeys/create", { csrf, label, ...signed })) };
    },
  };

  const words = {
    NotAllowedError: "Your device did not confirm it: it was cancelled, took too long, or holds no such passkey. Nothing was done.",
    InvalidStateError: "This device holds a passkey of this console already. Nothing was done.",
  };

  function say(form, message, trouble) {
    const state = form.querySelector("[data-passkey-state]");
    state.className = trouble ? "problem" : "hint";
    state.textContent = message;
    state.hidden = false;
  }

  function post(path, fields) {
    const form = document.createElement("form");
    form.method = "post";
    form.action = path;
    for (const [name, value] of Object.entries(fields)) {
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      input.value = value;
      form.append(input);
    }
    document.body.append(form);
    form.submit();
  }

  async function run(form, use, given) {
    form.dataset.sent = "1"; // so that nothing is replaced under the person's hand meanwhile
    say(form, "Your device asks you now.", false);
    try {
      const path = form.getAttribute("action");
      post(path, await uses[use](given, path));
    } catch (error) {
      say(form, words[error.name] ?? error.message, true);
      delete form.dataset.sent;
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target, use = event.submitter?.dataset.passkey;
    if (!use) return;
    event.preventDefault();
    event.stopPropagation();
    if (!form.dataset.sent) run(form, use, Object.fromEntries(new FormData(form, event.submitter)));
  }, true);
})();
