// Makes the reviewers' pages livelier. They read and decide without it.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const live = () => document.querySelector("[data-live]");
  const say = (words) => { document.getElementById("said").textContent = words; };

  // Times as the reader's clock has them; the server's stay in the title.
  const showLocalTimes = (within) => {
    const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
    for (const time of within.querySelectorAll("time[datetime]")) {
      const date = new Date(time.dateTime);
      if (time.title || Number.isNaN(date.valueOf())) continue;
      time.title = time.textContent;
      time.textContent = format.format(date);
    }
  };
  showLocalTimes(document);

  // A form is sent once. The button's own name and value go along, so it is not disabled before the form is sent.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    setTimeout(() => {
      for (const button of document.querySelectorAll("button")) {
        if (button.form === form) button.disabled = true;
      }
    });
  });
  // The browser's way back shows the page as it was left.
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  // MARK: Live

  const showBanner = (words, address, link) => {
    const banner = document.getElementById("banner");
    banner.replaceChildren(document.createTextNode(words));
    if (address) {
      const anchor = document.createElement("a");
      anchor.href = address;
      anchor.textContent = link;
      banner.append(" ", anchor);
    }
    banner.hidden = false;
  };

  const conflictIDs = (within) =>
    new Set([...within.querySelectorAll("[data-conflict]")].map((row) => row.dataset.conflict));

  const counted = (number, what) => `${number} ${number === 1 ? "conflict" : "conflicts"} ${what}`;

  // Puts the new list in place of the old one; the row that had the focus keeps it, or the one that is in its place now.
  const swapList = (fresh) => {
    const before = conflictIDs(document);
    const focused = document.activeElement?.closest("[data-conflict]");
    const place = focused ? [...document.querySelectorAll("[data-conflict]")].indexOf(focused) : -1;
    for (const old of document.querySelectorAll("[data-swap]")) {
      const next = fresh.getElementById(old.id);
      if (next) old.replaceWith(document.adoptNode(next));
    }
    showLocalTimes(document);
    document.title = fresh.title;
    if (focused) {
      const rows = [...document.querySelectorAll("[data-conflict]")];
      const same = rows.find((row) => row.dataset.conflict === focused.dataset.conflict);
      (same ?? rows[Math.min(place, rows.length - 1)])?.querySelector("a")?.focus({ preventScroll: true });
    }
    const after = conflictIDs(document);
    const left = [...before].filter((id) => !after.has(id)).length;
    const came = [...after].filter((id) => !before.has(id)).length;
    const words = [];
    if (came) words.push(counted(came, "joined the list"));
    if (left) words.push(counted(left, "left the list"));
    if (words.length) say(words.join(", ") + ".");
  };

  const fetchPage = async (address) => {
    const answer = await fetch(address, { credentials: "same-origin", headers: { accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };

  // On a conflict's page nothing is replaced under the reader's hands. The change may be of another conflict, so the page
  // is read again and compared before anything is said.
  const changedMeanwhile = (fresh) => {
    const parts = "#decide [name=version], #decide [name=clock], .pill, .assignee, .comment";
    const plain = (page) => {
      const copy = page.cloneNode(true);
      for (const time of copy.querySelectorAll("time")) time.replaceWith(time.dateTime);
      return [...copy.querySelectorAll(parts)].map((part) => part.value ?? part.textContent).join("\n");
    };
    return plain(document) !== plain(fresh);
  };

  let pause = 0;
  const visible = () => new Promise((done) => {
    if (!document.hidden) { done(); return; }
    const check = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", check);
      done();
    };
    document.addEventListener("visibilitychange", check);
  });

  const follow = async () => {
    while (live()) {
      await visible();
      const region = live();
      const since = region.dataset.position;
      const abort = new AbortController();
      const stop = () => { if (document.hidden) abort.abort(); };
      document.addEventListener("visibilitychange", stop);
      try {
        const address = "/review/pulse?wait=20&since=" + encodeURIComponent(since);
        const answer = await fetch(address, { credentials: "same-origin", signal: abort.signal });
        if (answer.status === 401) { showBanner("You have been signed out.", location.href, "Sign in again"); return; }
        if (!answer.ok) throw new Error(String(answer.status));
        const { position } = await answer.json();
        pause = 0;
        // A server that answers at once is not asked at once again.
        await new Promise((done) => setTimeout(done, 1000));
        if (position === since) continue;
        if (region.dataset.live === "list") {
          swapList(await fetchPage(location.href));
          // What the new page says counts; if it cannot tell, the pulse does.
          if (live() && live().dataset.position === since) live().dataset.position = position;
        } else {
          const fresh = await fetchPage(region.dataset.address);
          region.dataset.position = position;
          if (changedMeanwhile(fresh)) {
            showBanner("This conflict has changed.", region.dataset.address, "Show how it stands");
          }
        }
      } catch (error) {
        if (document.hidden) continue;
        pause = Math.min(60000, Math.max(1000, pause * 2));
        await new Promise((done) => setTimeout(done, pause * (0.75 + Math.random() / 2)));
      } finally {
        document.removeEventListener("visibilitychange", stop);
      }
    }
  };
  follow();

  // MARK: Keyboard

  const keys = document.getElementById("keys");
  const showKeys = document.getElementById("show-keys");
  if (showKeys) {
    showKeys.hidden = false;
    showKeys.addEventListener("click", () => keys.showModal());
  }

  const step = (by) => {
    const links = [...document.querySelectorAll("[data-conflict] h2 a")];
    if (!links.length) return;
    const row = document.activeElement?.closest("[data-conflict]");
    const place = links.findIndex((link) => row?.contains(link));
    const next = place < 0 ? (by > 0 ? 0 : links.length - 1) : Math.max(0, Math.min(links.length - 1, place + by));
    links[next].focus();
    links[next].closest("[data-conflict]").scrollIntoView({ block: "nearest" });
  };
  const press = (selector) => document.querySelector(selector)?.click();

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat && /[0-9]/.test(event.key)) return;
    const target = event.target;
    if (target instanceof Element && target.closest("input, textarea, select, [contenteditable]")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (keys?.open) {
      if (event.key === "?") { keys.close(); event.preventDefault(); }
      return;
    }
    const isOn = (name) => target instanceof Element && target.closest(name);
    switch (event.key) {
      case "j": step(1); break;
      case "k": step(-1); break;
      case "o": isOn("[data-conflict]")?.querySelector("h2 a")?.click(); break;
      case "c": document.getElementById("comment-text")?.focus(); break;
      case "n": press('[data-step="next"]'); break;
      case "p": press('[data-step="previous"]'); break;
      case "u": press('[data-step="list"]'); break;
      case "?": keys?.showModal(); break;
      default:
        if (!/^[1-9]$/.test(event.key)) return;
        press(`[data-key="${event.key}"]`);
    }
    event.preventDefault();
  });
})();
