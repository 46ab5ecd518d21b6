// What the pages do besides showing: follow what changes, and send a form once. Everything works without it.
"use strict";

(() => {
  // How often a page is asked for anew: soon after something has happened, and now and then because time passes.
  const SOON = 1000;
  const QUIET = 5000;
  const live = document.getElementById("live");

  // A double click would send a form twice. The gateway does nothing twice, but the second answer would hide the first.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) {
      event.preventDefault();
      return;
    }
    event.target.dataset.sent = "yes";
    setTimeout(() => delete event.target.dataset.sent, 3000);
  });

  // Shows what has changed; whoever has the focus keeps it, and what was scrolled stays where it is.
  function show(fresh) {
    for (const part of document.querySelectorAll("[data-live]")) {
      const news = fresh.getElementById(part.id);
      if (!news || news.innerHTML === part.innerHTML) continue;
      const focused = part.contains(document.activeElement) ? document.activeElement : null;
      const scrolled = [...part.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
      part.replaceChildren(...news.childNodes);
      part.querySelectorAll(".scroll").forEach((box, place) => (box.scrollLeft = scrolled[place] || 0));
      if (focused && focused.id) document.getElementById(focused.id)?.focus({ preventScroll: true });
      else if (focused && focused.classList.contains("scroll")) part.querySelector(".scroll")?.focus({ preventScroll: true });
    }
  }

  async function refresh() {
    const answer = await fetch(location.href, { headers: { "X-Console-Live": "1" }, redirect: "manual" });
    if (answer.status === 401) {
      const link = document.createElement("a");
      link.href = location.href;
      link.textContent = "Sign in again";
      live.replaceChildren("Your session is over. ", link);
      return false;
    }
    if (answer.ok) {
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      say("Live");
    }
    return true;
  }

  function say(text) {
    if (live.textContent !== text) live.textContent = text;
  }

  let events = null;
  let happened = false;
  let shown = Date.now();

  // Told by the gateway as long as somebody looks: a browser has few connections to spare for pages that nobody sees.
  function listen() {
    if (document.hidden || events) return;
    events = new EventSource("/console/events");
    for (const name of ["lent", "ended", "refused", "exhausted", "reset"]) events.addEventListener(name, () => (happened = true));
    events.onerror = () => (happened = true);
  }

  function leave() {
    events?.close();
    events = null;
  }

  async function follow() {
    let goes = true;
    if (!document.hidden && (happened || Date.now() - shown >= QUIET)) {
      happened = false;
      shown = Date.now();
      try {
        goes = await refresh();
      } catch {
        say("The gateway does not answer; what is shown may be out of date");
      }
    }
    if (goes) setTimeout(follow, SOON);
    else leave();
  }

  if (live && document.querySelector("[data-live]")) {
    document.addEventListener("visibilitychange", () => (document.hidden ? leave() : listen()));
    addEventListener("pagehide", leave);
    listen();
    setTimeout(follow, SOON);
  }
})();
