/* podman_fleet.memory, GPL-3.0-or-later: the tables of report.html. Makes text of data, never markup. */
"use strict";
(() => {
  const PAGE = 100;
  const STATES = ["new", "open", "waived", "resolved"];
  const HARMFUL = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
  const BYTES = /(^|_)(limit|rss|working_set|current|anon|peak|swap|high|reservation|committed|memory_total|swap_total|swap_room|working_set_max|min|max)$/;

  // -- text and elements: the only two ways to put anything on the page

  const inert = (value) => String(value).replace(HARMFUL, (c) => c === "\n" ? c : c === "\t" || c === "\r" ? " " :
    "\\u" + c.codePointAt(0).toString(16).padStart(4, "0"));

  function el(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined).map((child) => child instanceof Node ? child : inert(child)));
    return made;
  }
  const shapes = (name, attributes, ...children) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  // text of a host, apart from the text around it in its direction too
  const said = (value) => el("bdi", {}, value === null || value === undefined || value === "" ? "–" : value);

  function size(count) {
    if (typeof count !== "number" || count < 0) return "–";
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (count >= 1024 && unit < units.length - 1) { count /= 1024; unit++; }
    return `${count >= 100 || Number.isInteger(count) ? Math.round(count) : count.toFixed(1)} ${units[unit]}`;
  }
  const when = (text) => typeof text === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? `${text.slice(0, 10)} ${text.slice(11, 16)}` : "–";
  const number = (value) => typeof value === "number" ? value.toLocaleString("en") : "–";

  function spark(values, limit, kind) {
    const known = values.filter((value) => typeof value === "number");
    if (known.length < 2) return null;
    const most = Math.max(...known, typeof limit === "number" ? limit : 0) || 1;
    const points = [];
    values.forEach((value, at) => {
      if (typeof value === "number") points.push(`${(1 + 98 * at / (values.length - 1)).toFixed(1)},${(23 - 22 * value / most).toFixed(1)}`);
    });
    const made = shapes("svg", { class: kind, viewBox: "0 0 100 24", preserveAspectRatio: "none", role: "img",
      "aria-label": `working set of ${known.length} days, at most ${size(Math.max(...known))}` });
    if (typeof limit === "number") made.append(shapes("line", { x1: 0, x2: 100, y1: 23 - 22 * limit / most, y2: 23 - 22 * limit / most }));
    made.append(shapes("polyline", { points: points.join(" ") }));
    return made;
  }

  // -- data

  async function unpack(script) {
    const bytes = Uint8Array.from(atob(script.textContent), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  }
  const blocks = (set, part) => [...document.querySelectorAll(`script[data-set="${set}"][data-part="${part}"]`)];

  // -- the three tables

  let about;
  const mark = (rank, text) => el("span", { class: `mark s${rank}` }, text);
  const severity = (rank) => rank < about.severities.length ? mark(rank, about.severities[rank]) : el("span", { class: "quiet" }, "–");
  const rule = (id) => about.rules[id] || id;
  const option = (value, label, test) => ({ value, label, test });
  const all = (label) => option("", label, () => true);

  // column: [title, cell, value to sort by, class of the cell]
  const TABLES = {
    findings: {
      title: "Findings", empty: "No finding.", sort: [1, 1],
      columns: [
        ["Finding", (r) => rule(r[2]), (r) => rule(r[2]), ""],
        ["Severity", (r) => severity(r[0]), (r) => 10 * r[0] + r[1], ""],
        ["State", (r) => el("span", { class: r[1] === 0 ? "new" : "quiet" }, STATES[r[1]]), (r) => r[1], ""],
        ["Host", (r) => said(r[3]), (r) => r[3], "name"],
        ["Container", (r) => r[5] ? el("span", {}, said(r[5]), r[4] && r[4] !== "root" ? el("span", { class: "user" }, said(r[4])) : null) : null, (r) => r[5], "name"],
        ["What", (r) => said(r[6]), (r) => r[6], "wide"],
        ["Since", (r) => when(r[7]), (r) => r[7], "num"],
      ],
      filters: () => [
        ["State", [option("current", "new and open", (r) => r[1] < 2), ...STATES.map((name, at) => option(name, name, (r) => r[1] === at)), all("all states")]],
        ["Severity", [all("all severities"), ...about.severities.map((name, at) => option(name, at ? `${name} and worse` : name, (r) => r[0] <= at))]],
        ["Rule", [all("all rules"), option("unprotected", "unprotected", (r) => about.unprotected.includes(r[2])), ...Object.keys(about.rules).map((id) => option(id, rule(id), (r) => r[2] === id))]],
      ],
      detail: findingDetail,
    },
    containers: {
      title: "Containers", empty: "No container.", sort: [6, -1],
      columns: [
        ["Container", (r) => said(r[2]), (r) => r[2], ""],
        ["Host", (r) => said(r[0]), (r) => r[0], "name"],
        ["User", (r) => said(r[1]), (r) => r[1], ""],
        ["Status", (r) => said(r[4]), (r) => r[4], ""],
        ["OOM", (r) => r[5] === true ? mark(0, String(r[6]).replace(/_/g, " ")) : r[5] === null ? mark(2, "unknown") : r[7] ? mark(3, "in an earlier run") : el("span", { class: "quiet" }, "no"),
          (r) => (r[5] === true ? 3 : r[5] === null ? 2 : r[7] ? 1 : 0), ""],
        ["Limit", (r) => r[8] === null ? "none" : size(r[8]), (r) => r[8] === null ? Infinity : r[8], "num"],
        ["In use", (r) => el("span", {}, size(r[9]), share(r) === null ? null : ` · ${Math.round(100 * share(r))} %`), share, "num"],
        ["Findings", (r) => severity(r[10]), (r) => -r[10], ""],
        ["History", (r) => spark(r[11], r[8], "spark"), (r) => r[11].length, ""],
      ],
      filters: () => [
        ["Show", [all("all containers"), option("running", "running", (r) => r[4] === "running"), option("killed", "killed", (r) => r[5] === true),
          option("unknown", "verdict unknown", (r) => r[5] === null), option("unlimited", "without a limit", (r) => r[8] === null),
          option("full", "80 % in use or more", (r) => share(r) >= 0.8), option("found", "with findings", (r) => r[10] < about.severities.length)]],
      ],
      detail: containerDetail,
    },
    hosts: {
      title: "Hosts", empty: "No host.", sort: [1, 1],
      columns: [
        ["Host", (r) => said(r[0]), (r) => r[0], ""],
        ["Checked", (r) => r[1] === "checked" ? el("span", { class: "mark ok" }, "checked") : mark(r[1] === "partial" ? 2 : 0, r[1] === "partial" ? "in part" : "not checked"),
          (r) => ["checked", "partial", "not_checked"].indexOf(r[1]), ""],
        ["Why", (r) => r[2] ? said(r[2]) : null, (r) => r[2], "wide"],
        ["Distribution", (r) => said(r[3]), (r) => r[3], ""],
        ["Podman", (r) => said(r[4]), (r) => r[4], ""],
        ["cgroup", (r) => r[5] ? `v${r[5]}` : "–", (r) => r[5], ""],
        ["Memory", (r) => size(r[6]), (r) => r[6], "num"],
        ["Containers", (r) => `${number(r[7])}, ${number(r[8])} running`, (r) => r[7], "num"],
        ["Findings", (r) => number(r[9]), (r) => r[9], "num"],
        ["Kills", (r) => number(r[10]), (r) => r[10], "num"],
      ],
      filters: () => [
        ["Checked", [all("all hosts"), option("not_checked", "not checked", (r) => r[1] === "not_checked"),
          option("partial", "in part", (r) => r[1] === "partial"), option("checked", "checked", (r) => r[1] === "checked")]],
      ],
      detail: (each) => [evidence(each)],
    },
  };
  function share(r) { return typeof r[9] === "number" && typeof r[8] === "number" && r[8] > 0 ? r[9] / r[8] : null; }

  // -- details

  function findingDetail(each) {
    const parts = [el("p", {}, each.detail || each.summary)];
    if (about.meanings[each.rule]) parts.push(el("p", { class: "quiet" }, about.meanings[each.rule]));
    if (each.waiver) parts.push(el("h3", {}, "Waived"), evidence(each.waiver));
    if (each.remedy) parts.push(el("h3", {}, "What to do"), remedy(each.remedy));
    parts.push(...history(each.daily, each.evidence && each.evidence.limit), el("h3", {}, "Evidence"),
      evidence({ id: each.id, "first seen": each.first_seen, "last seen": each.last_seen, unit: each.unit, image: each.image, ...each.evidence }));
    return parts;
  }
  function containerDetail(each) {
    const { oom, memory, labels, ...rest } = each;
    const { daily, ...now } = memory || {};
    const limit = ((now.effective || now.declared) || {}).limit;
    return [...history(daily, limit), el("h3", {}, "Verdict"), evidence(oom || {}), el("h3", {}, "Memory"), evidence(now),
      el("h3", {}, "Container"), evidence(rest), el("h3", {}, "Labels"), evidence(labels || {})];
  }
  function history(daily, limit) {
    const days = (daily || []).slice(-90);
    const chart = spark(days.map((day) => day.working_set_max), limit, "spark history");
    return chart ? [el("h3", {}, `Working set, daily maximum since ${inert(days[0].day)}`), chart] : [];
  }
  function remedy(text) {
    const code = el("pre", { tabindex: 0 }, text);
    const copy = el("button", { type: "button", class: "copy", onclick: async () => {
      try { await navigator.clipboard.writeText(text); copy.textContent = "copied"; } catch {
        getSelection().selectAllChildren(code); copy.textContent = "selected";
      }
    } }, "copy");
    return el("div", { class: "remedy" }, code, copy);
  }
  function evidence(data) {
    const list = el("dl", {});
    const put = (key, value, depth) => {
      if (value === null || value === undefined || value === "") return;
      if (typeof value === "object" && depth < 3 && !(Array.isArray(value) && value.every((one) => typeof one !== "object"))) {
        const entries = Array.isArray(value) ? value.map((one, at) => [at + 1, one]) : Object.entries(value);
        entries.slice(0, 100).forEach(([name, one]) => put(`${key ? key + " " : ""}${name}`, one, depth + 1));
        return;
      }
      const text = typeof value === "number" && BYTES.test(key.split(" ").pop()) && !/event/.test(key) ? `${size(value)} (${number(value)})` :
        Array.isArray(value) ? value.join("\n") : typeof value === "object" ? JSON.stringify(value) : value;
      list.append(el("dt", {}, el("bdi", {}, key.replace(/_/g, " "))), el("dd", {}, el("bdi", {}, text)));
    };
    put("", data, 0);
    return list.childElementCount ? list : el("p", { class: "quiet" }, "nothing");
  }

  // -- a table: rows are filtered and sorted as numbers, only a page of them is on the screen

  class Table {
    constructor(name) {
      Object.assign(this, { name, ...TABLES[name], rows: null, shown: [], page: 0, at: this.sort, cache: new Map() });
      this.at = [...TABLES[name].sort];
      this.search = el("input", { type: "search", placeholder: "Filter by any word", "aria-label": `Filter ${name}`, oninput: () => this.soon() });
      this.selects = this.filters().map(([label, options]) => {
        const select = el("select", { "aria-label": label, onchange: () => this.update() }, ...options.map((one) => el("option", { value: one.value }, one.label)));
        return { select, options };
      });
      this.found = el("span", { class: "found", "aria-live": "polite" });
      this.heads = this.columns.map(([title], at) => el("th", { scope: "col" }, el("button", { type: "button", onclick: () => this.order(at) }, title)));
      this.body = el("tbody", {});
      this.before = el("button", { type: "button", onclick: () => this.turn(-1) }, "Previous");
      this.after = el("button", { type: "button", onclick: () => this.turn(1) }, "Next");
      this.place = el("span", {});
      this.node = el("div", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}` },
        el("div", { class: "controls" }, this.search, ...this.selects.map((one) => one.select), this.found),
        el("div", { class: "frame" }, el("table", {}, el("thead", {}, el("tr", {}, ...this.heads)), this.body)),
        el("div", { class: "pager" }, this.place, this.before, this.after));
    }
    async load() {
      if (this.rows) return;
      this.rows = [];
      for (const script of blocks(this.name, "index")) {
        for (const row of await unpack(script)) this.rows.push(row);
        script.remove();
      }
      this.details = blocks(this.name, "details");
      this.texts = this.rows.map((row) => row.filter((cell) => typeof cell === "string").join("\n").toLowerCase() + (this.name === "findings" ? "\n" + rule(row[2]).toLowerCase() : ""));
      this.update();
    }
    soon() { clearTimeout(this.timer); this.timer = setTimeout(() => this.update(), 120); }
    update() {
      const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const tests = this.selects.map(({ select, options }) => options.find((one) => one.value === select.value).test);
      this.shown = [];
      this.rows.forEach((row, at) => {
        if (tests.every((test) => test(row)) && words.every((word) => this.texts[at].includes(word))) this.shown.push(at);
      });
      this.arrange();
    }
    order(column) {
      this.at = this.at[0] === column ? [column, -this.at[1]] : [column, 1];
      this.arrange();
    }
    arrange() {
      const [column, sign] = this.at;
      const keys = this.rows.length ? this.columns[column][2] : null;
      const empty = (key) => key === null || key === undefined || key === "";
      const by = (a, b) => {
        const one = keys(this.rows[a]), other = keys(this.rows[b]);
        if (empty(one) || empty(other)) return empty(one) - empty(other) || a - b;
        return sign * (one < other ? -1 : one > other ? 1 : 0) || a - b;
      };
      this.shown.sort(by);
      this.heads.forEach((head, at) => at === column ? head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending") : head.removeAttribute("aria-sort"));
      this.page = 0;
      this.paint();
    }
    turn(by) { this.page += by; this.paint(); this.node.scrollIntoView({ block: "start" }); }
    paint() {
      const from = this.page * PAGE, rows = this.shown.slice(from, from + PAGE);
      this.body.replaceChildren(...rows.map((at) => this.row(at)));
      if (!rows.length) this.body.append(el("tr", {}, el("td", { class: "empty", colspan: this.columns.length }, this.rows.length ? "Nothing matches." : this.empty)));
      this.found.textContent = `${number(this.shown.length)} of ${number(this.rows.length)}`;
      this.place.textContent = this.shown.length > PAGE ? `${number(from + 1)}–${number(from + rows.length)} of ${number(this.shown.length)}` : "";
      this.before.hidden = this.after.hidden = this.shown.length <= PAGE;
      this.before.disabled = this.page === 0;
      this.after.disabled = from + PAGE >= this.shown.length;
    }
    row(at) {
      const cells = this.columns.map(([title, cell, , kind], column) => {
        const inside = cell(this.rows[at]);
        if (column) return el("td", { class: inside === null ? `${kind} none` : kind, "data-name": title }, inside);
        return el("td", { class: "first" }, el("button", { type: "button", class: "open", "aria-expanded": "false" }, inside));
      });
      const line = el("tr", { class: "row" }, ...cells);
      line.addEventListener("click", (event) => {
        if (event.target.closest(".open") || !getSelection().toString()) this.toggle(line, at);
      });
      return line;
    }
    async toggle(line, at) {
      const button = line.querySelector(".open");
      if (button.getAttribute("aria-expanded") === "true") {
        button.setAttribute("aria-expanded", "false");
        line.nextElementSibling.remove();
        return;
      }
      button.setAttribute("aria-expanded", "true");
      const cell = el("td", { colspan: this.columns.length });
      line.after(el("tr", { class: "detail" }, cell));
      cell.append(...this.detail(await this.record(at)));
    }
    async record(at) {
      const block = Math.floor(at / about.detail_rows);
      if (!this.cache.has(block)) {
        if (this.cache.size > 8) this.cache.clear();
        this.cache.set(block, unpack(this.details[block]));
      }
      return (await this.cache.get(block))[at % about.detail_rows];
    }
    choose(value) {
      this.search.value = "";
      this.selects.forEach(({ select, options }) => { select.value = options.some((one) => one.value === value) ? value : options[0].value; });
      this.update();
    }
  }

  // -- the page

  async function main() {
    const place = document.getElementById("explorer");
    if (!("DecompressionStream" in window)) {
      place.append(el("p", { class: "notice" }, "This browser is too old for the tables (it has no DecompressionStream). All of their data is in report.json, beside this file."));
      return;
    }
    about = await unpack(blocks("about", "about")[0]);
    const tables = Object.fromEntries(Object.keys(TABLES).map((name) => [name, new Table(name)]));
    const tabs = Object.values(tables).map((table) => el("button", { type: "button", role: "tab", id: `tab-${table.name}`, "aria-controls": `panel-${table.name}`, onclick: () => open(table) },
      table.title, el("span", { class: "total" }, ` ${number(about.counts[table.name])}`)));
    const bar = el("div", { class: "tabs", role: "tablist", onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    } }, ...tabs);
    place.append(bar, ...Object.values(tables).map((table) => table.node));
    async function open(table) {
      Object.values(tables).forEach((each, at) => {
        const chosen = each === table;
        each.node.hidden = !chosen;
        tabs[at].setAttribute("aria-selected", chosen);
        tabs[at].tabIndex = chosen ? 0 : -1;
      });
      await table.load();
    }
    document.addEventListener("click", async (event) => {
      const link = event.target.closest("[data-show]");
      if (!link) return;
      await open(tables.findings);
      tables.findings.choose(link.dataset.show);
      if (link.tagName === "BUTTON") place.scrollIntoView();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
      event.preventDefault();
      Object.values(tables).find((table) => !table.node.hidden).search.focus();
    });
    await open(tables.findings);
    document.documentElement.dataset.ready = "yes";
  }
  main();
})();
