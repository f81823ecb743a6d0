"use strict";
// The list of runs, one run, and its rows; live by server-sent events. No framework: what changes is drawn anew.
const main = document.getElementById("main");
const said = document.getElementById("said");
const SVG = new Set(["rect", "line", "title", "g"]);
let follow = null, here = -1;

function make(tag, props = {}, ...children) {
  const made = tag === "svg" || SVG.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}


async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json", ...(body.key ? { "Idempotency-Key": body.key } : {}) },
    body: JSON.stringify(body.value ?? {}),
  };
  const reply = await fetch(path, options);
  if (reply.status === 401) {
    const token = window.prompt("This service asks for its token");
    if (token) { document.cookie = `token=${encodeURIComponent(token)}; SameSite=Strict; path=/`; return ask(path, body); }
  }
  const answer = await reply.json();
  if (!reply.ok) { said.textContent = answer.error; throw new Error(answer.error); }
  return answer;
}

function leave() {
  if (follow) follow.close();
  follow = null;
  here = -1;
}

function listen(path, told) {
  if (follow) follow.close();
  follow = new EventSource(path);
  follow.onmessage = told;
  follow.onerror = (event) => { if (event.target.readyState === EventSource.CLOSED) said.textContent = "This page is not live any more: reload it."; };
}

function tell(run) {
  const c = run.counts;
  const cost = c.cost === null || c.cost === undefined ? `${((c.prompt_tokens || 0) + (c.completion_tokens || 0)).toLocaleString()} tokens` : `${c.cost} ${c.currency || ""}`;
  return { accepted: c.accepted ?? "", verdict: c.overall ? c.overall.text ?? "" : "", cost };
}

async function showList() {
  leave();
  document.title = "Runs";
  const names = await ask("/v1/profiles");
  const table = make("tbody");
  const draw = (runs) => {
    table.replaceChildren(...runs.map((run, place) => {
      const t = tell(run);
      return make("tr", { "data-open": `#run/${run.id}`, class: place === here ? "here" : null },
        make("td", {}, make("a", { href: `#run/${run.id}` }, run.id)), make("td", { class: run.state }, run.state),
        make("td", {}, String(t.accepted)), make("td", { class: "wide" }, t.verdict), make("td", { class: "wide" }, t.cost));
    }));
    if (!runs.length) table.append(make("tr", {}, make("td", { colspan: 5 }, "No run yet. Start one above.")));
  };
  const choose = (name, values, empty) => make("label", {}, name, make("select", { name }, ...(empty ? [make("option", { value: "" }, empty)] : []), ...values.map((v) => make("option", {}, v))));
  const number = (name) => make("label", {}, name, make("input", { name, type: "number", min: name === "num" ? 1 : 0, inputmode: "numeric", size: 7 }));
  const form = make("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      const given = new FormData(form), value = { profile: given.get("profile") };
      for (const name of ["num", "seed"]) if (given.get(name)) value[name] = Number(given.get(name));
      if (given.get("gold")) value.gold = given.get("gold");
      const run = await ask("/v1/runs", { value, key: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()) });
      location.hash = `#run/${run.id}`;
    },
  }, choose("profile", names.profiles), number("num"), number("seed"), choose("gold", names.gold, "the profile's"), make("button", { id: "start" }, "Start"));
  main.replaceChildren(form, make("table", {}, make("thead", {}, make("tr", {}, ...["run", "state", "accepted"].map((h) => make("th", { scope: "col" }, h)), ...["verdict", "cost so far"].map((h) => make("th", { scope: "col", class: "wide" }, h)))), table));
  listen("/v1/events", (event) => draw(JSON.parse(event.data).runs));
}

async function showRun(id) {
  leave();
  document.title = id;
  const state = make("div"), log = make("p", { class: "soft" }), funnel = make("div"), rows = make("div");
  main.replaceChildren(make("p", {}, make("a", { href: "#" }, "← all runs")), make("h2", {}, id), state, log, make("h2", {}, "Funnel"), funnel, make("h2", {}, "Rows"), rows);
  const draw = async () => {
    const run = await ask(`/v1/runs/${id}`), t = tell(run);
    const act = (word, path, when) => when ? make("button", { id: word, onclick: async () => { await ask(path, { value: {} }); await draw(); watch(); } }, word) : null;
    state.replaceChildren(
      make("p", {}, make("b", { class: run.state }, run.state), ` · ${t.accepted === "" ? 0 : t.accepted} accepted · ${run.counts.requests || 0} requests · ${t.cost}${t.verdict ? ` · ${t.verdict}` : ""}`),
      run.message ? make("pre", {}, run.message) : "",
      make("p", { class: "bar" }, act("cancel", `/v1/runs/${id}/cancel`, ["queued", "running"].includes(run.state)),
        act("resume", `/v1/runs/${id}/resume`, ["cancelled", "ended early", "failed", "stopped"].includes(run.state)),
        run.files.includes("accepted.parquet") ? make("a", { href: `#review/${id}` }, "review blind") : null),
      make("p", {}, ...run.files.flatMap((file) => [make("a", { href: `/v1/runs/${id}/files/${file}`, ...(file.endsWith(".html") ? { target: "_blank", rel: "noopener" } : { download: file }) }, file), " "])));
    const counted = (await ask(`/v1/runs/${id}/funnel`)).funnel, most = Math.max(1, ...counted.map((f) => f.count));
    funnel.replaceChildren(...(counted.length ? counted.map((f) => make("div", {}, make("span", { class: f.status }, `${f.status}${f.reason !== f.status ? `: ${f.reason}` : ""} ${f.count}`), make("div", { class: "meter" }, meter(f.count / most)))) : ["Nothing has settled yet."]));
    return run;
  };
  const watch = () => {
    let count = 0, due = null;
    listen(`/v1/runs/${id}/events`, (event) => {
      count += 1;
      const e = JSON.parse(event.data), mine = follow;
      log.textContent = `${count} events; last: ${e.event} ${e.job || ""}`;
      due = due || setTimeout(() => { due = null; if (follow === mine) draw().catch(() => {}); }, 5000); // counts and funnel
    });
    follow.addEventListener("state", (event) => {
      const now = JSON.parse(event.data).state;
      const shown = state.querySelector("b");
      if (!["queued", "running", "cancelling"].includes(now)) { follow.close(); draw().then(() => drawRows(id, rows, 0)); }
      else if (shown && shown.textContent !== now) draw();
    });
  };
  const now = await draw();
  await drawRows(id, rows, 0);
  if (["queued", "running", "cancelling"].includes(now.state)) watch(); // what has ended does not change under the reader
}

function meter(share) {
  const bar = make("i");
  bar.style.width = `${(100 * share).toFixed(1)}%`;
  return bar;
}

async function drawRows(id, place, start) {
  const { total, rows } = await ask(`/v1/runs/${id}/rows?start=${start}&count=20`);
  here = -1;
  place.replaceChildren(make("p", { class: "soft" }, total ? `${start + 1} to ${start + rows.length} of ${total}` : "No candidate has ended yet."),
    ...rows.map((row) => make("details", { class: "card", "data-row": row.row_id, ontoggle: (event) => event.target.open && openRow(id, row, event.target) },
      make("summary", {}, make("b", { class: row.status }, row.status), ` ${row.row_id} ${row.reason || ""}`))),
    make("p", { class: "bar" }, start ? make("button", { onclick: () => drawRows(id, place, Math.max(0, start - 20)) }, "previous") : null,
      start + rows.length < total ? make("button", { onclick: () => drawRows(id, place, start + 20) }, "next") : null));
}

async function openRow(id, row, card) {
  if (card.dataset.drawn) return;
  card.dataset.drawn = "1";
  card.append(make("pre", {}, pretty(row.shown)));
  for (const critique of row.critiques || []) card.append(make("pre", { class: "rejected" }, critique));
  for (const edit of row.edits || []) card.append(make("pre", { class: "soft" }, typeof edit === "string" ? edit : JSON.stringify(edit)));
  const { bars } = await ask(`/v1/runs/${id}/bars/${row.row_id}`);
  if (bars.length) card.prepend(drawCandles(bars, row.generated_row));
  card.prepend(card.querySelector("summary"));
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 1); } catch { return text || ""; }
}

function read(text) {
  try { return JSON.parse(text) || {}; } catch { return {}; }
}

// Where a trade's legs are: the last bar that had begun at the leg's time of day, and its price.
function legsOf(row, bars) {
  return ["entry", "exit"].map((leg) => {
    const clock = /\d\d:\d\d:\d\d/.exec(row[`${leg}_time`] || ""), price = row[`${leg}_price`];
    if (!clock || typeof price !== "number") return null;
    return { leg, price, place: bars.findLastIndex((b) => b.timestamp.slice(11, 19) <= clock[0]) };
  }).filter((found) => found && found.place >= 0);
}

function drawCandles(bars, text) {
  const row = read(text), legs = legsOf(row, bars), levels = ["stop", "target"].filter((n) => typeof row[n] === "number").map((n) => [n, row[n]]).concat(legs.map((l) => [l.leg, l.price]));
  const low = Math.min(...bars.map((b) => b.low), ...levels.map((l) => l[1])), high = Math.max(...bars.map((b) => b.high), ...levels.map((l) => l[1]));
  const width = 800, height = 200, step = width / bars.length, y = (p) => height - 6 - (height - 12) * (high > low ? (p - low) / (high - low) : 0.5);
  const svg = make("svg", { class: "candles", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": `${bars.length} bars from ${bars[0].timestamp}, ${low} to ${high}` });
  bars.forEach((b, i) => {
    const x = (i + 0.5) * step, kind = b.close >= b.open ? "up" : "down", top = y(Math.max(b.open, b.close));
    svg.append(make("line", { class: kind, x1: x, x2: x, y1: y(b.high), y2: y(b.low) }), make("rect", { class: kind, x: x - step * 0.35, width: step * 0.7, y: top, height: Math.max(1, y(Math.min(b.open, b.close)) - top) }));
  });
  if (legs.length === 2) svg.append(make("line", { class: "trade", x1: (legs[0].place + 0.5) * step, y1: y(legs[0].price), x2: (legs[1].place + 0.5) * step, y2: y(legs[1].price) }));
  for (const { leg, price, place } of legs) svg.append(make("line", { class: `level ${leg}`, x1: (place + 0.5) * step, x2: (place + 0.5) * step, y1: 0, y2: height }, make("title", {}, `${leg} ${price}`)));
  for (const [name, price] of levels) svg.append(make("line", { class: "level", x1: 0, x2: width, y1: y(price), y2: y(price) }, make("title", {}, `${name} ${price}`)));
  return svg;
}

async function showReview(id) {
  leave();
  document.title = `Review of ${id}`;
  const card = make("div"), tally = make("p", { class: "soft" });
  main.replaceChildren(make("p", {}, make("a", { href: `#run/${id}` }, "← the run")), make("h2", {}, "Would a trader have written this?"), tally, card,
    make("p", { class: "soft" }, "a accept · r reject, with a reason · s skip · f facts. What is real, made or spoiled is not said until you have judged."));
  const reviewer = localStorage.getItem("reviewer") || window.prompt("Your name or initials", "me") || "me";
  localStorage.setItem("reviewer", reviewer);
  const next = async () => {
    const item = await ask(`/v1/runs/${id}/review?reviewer=${encodeURIComponent(reviewer)}`);
    tally.textContent = `${item.done} judged, ${item.left} left`;
    if (!item.item) { card.replaceChildren(make("p", { id: "finished" }, "All rows are judged. Thank you.")); return; }
    const began = performance.now(), reason = make("input", { name: "reason", placeholder: "why", "aria-label": "why it is rejected", size: 40, maxlength: 500 });
    const judge = async (verdict) => {
      if (card.dataset.busy) return;
      card.dataset.busy = "1";
      try { await ask(`/v1/runs/${id}/review`, { value: { item: item.item, verdict, reason: reason.value, seconds: (performance.now() - began) / 1000, reviewer } }); } finally { delete card.dataset.busy; }
      await next();
    };
    card.replaceChildren(...(item.bars.length ? [drawCandles(item.bars, item.text)] : []), make("pre", { id: "item", "data-item": item.item }, pretty(item.text)),
      item.facts ? make("details", {}, make("summary", {}, "facts (f)"), make("pre", {}, item.facts)) : "",
      make("p", { class: "bar" }, make("button", { id: "accept", onclick: () => judge("accept") }, "accept (a)"), make("button", { id: "reject", onclick: () => judge("reject") }, "reject (r)"), make("button", { id: "skip", onclick: () => judge("skip") }, "skip (s)"), reason));
    card.judge = judge;
    main.focus();
  };
  card.id = "review";
  await next();
}

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  const review = document.getElementById("review");
  const verdict = { a: "accept", r: "reject", s: "skip" }[event.key];
  if (review && verdict && review.judge) { event.preventDefault(); review.judge(verdict); return; }
  if (review && event.key === "f" && review.querySelector("details")) { review.querySelector("details").toggleAttribute("open"); return; }
  const items = [...main.querySelectorAll("tr[data-open], details[data-row]")];
  if (event.key === "j" || event.key === "k") {
    here = Math.max(0, Math.min(items.length - 1, here + (event.key === "j" ? 1 : -1)));
    items.forEach((item, place) => item.classList.toggle("here", place === here));
    if (items[here]) { items[here].scrollIntoView({ block: "nearest" }); const focus = items[here].querySelector("a, summary"); if (focus) focus.focus(); }
  } else if (event.key === "Enter" && items[here] && items[here].dataset.open) location.hash = items[here].dataset.open;
  else if (event.key === "u") location.hash = "#";
  else if (event.key === "n") { const start = main.querySelector("select"); if (start) { event.preventDefault(); start.focus(); } }
});

function route() {
  said.textContent = "";
  const [view, id] = location.hash.slice(1).split("/");
  const shown = view === "run" && id ? showRun(id) : view === "review" && id ? showReview(id) : showList();
  shown.catch((error) => { said.textContent = error.message; });
}
window.addEventListener("hashchange", route);
route();
