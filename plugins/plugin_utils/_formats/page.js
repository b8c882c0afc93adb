/* podman_fleet.memory, GPL-3.0-or-later: the tables of report.html. Makes text of data, never markup. */
"use strict";
(() => {
  const PAGE = 100;
  const STATES = ["new", "open", "waived", "resolved"];
  const HARMFUL = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
  const BYTES = /(^|_)(limit|rss|working_set|current|anon|peak|swap|high|reservation|committed|memory_total|swap_total|swap_room|working_set_max|min|max)$/;

  // -- text and elements: the only two ways to put anything on the page

  const sanitize = (value) => String(value).replace(HARMFUL, (c) => c === "\n" ? c : c === "\t" || c === "\r" ? " " :
    "\\u" + c.codePointAt(0).toString(16).padStart(4, "0"));

  function el(name, attributes, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined).map((child) => child instanceof Node ? child : sanitize(child)));
    return node;
  }
  const svg = (name, attributes, ...children) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  // text of a host, apart from the text around it in its direction too
  const hostText = (value) => el("bdi", {}, value === null || value === undefined || value === "" ? "–" : value);

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
    const highest = Math.max(...known, typeof limit === "number" ? limit : 0) || 1;
    const y = (value) => 23 - 22 * value / highest;
    const points = [];
    values.forEach((value, index) => {
      if (typeof value === "number") points.push(`${(1 + 98 * index / (values.length - 1)).toFixed(1)},${y(value).toFixed(1)}`);
    });
    const chart = svg("svg", { class: kind, viewBox: "0 0 100 24", preserveAspectRatio: "none", role: "img",
      "aria-label": `working set of ${known.length} days, at most ${size(Math.max(...known))}` });
    if (typeof limit === "number") chart.append(svg("line", { x1: 0, x2: 100, y1: y(limit), y2: y(limit) }));
    chart.append(svg("polyline", { points: points.join(" ") }));
    return chart;
  }

  // -- data

  async function unpack(script) {
    const bytes = Uint8Array.from(atob(script.textContent), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  }
  const blocks = (set, part) => [...document.querySelectorAll(`script[data-set="${set}"][data-part="${part}"]`)];

  // -- the three tables: rows are objects with the fields that html_rows.py names

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
        ["Finding", (row) => rule(row.rule), (row) => rule(row.rule), ""],
        ["Severity", (row) => severity(row.severity), (row) => 10 * row.severity + row.state, ""],
        ["State", (row) => el("span", { class: row.state === 0 ? "new" : "quiet" }, STATES[row.state]), (row) => row.state, ""],
        ["Host", (row) => hostText(row.host), (row) => row.host, "name"],
        ["Container", (row) => row.container ? el("span", {}, hostText(row.container), owner(row.user)) : null, (row) => row.container, "name"],
        ["What", (row) => hostText(row.summary), (row) => row.summary, "wide"],
        ["Since", (row) => when(row.first_seen), (row) => row.first_seen, "num"],
      ],
      filters: () => [
        ["State", [option("current", "new and open", (row) => row.state < 2),
          ...STATES.map((name, state) => option(name, name, (row) => row.state === state)), all("all states")]],
        ["Severity", [all("all severities"),
          ...about.severities.map((name, rank) => option(name, rank ? `${name} and worse` : name, (row) => row.severity <= rank))]],
        ["Rule", [all("all rules"), option("unprotected", "unprotected", (row) => about.unprotected.includes(row.rule)),
          ...Object.keys(about.rules).map((id) => option(id, rule(id), (row) => row.rule === id))]],
      ],
      detail: findingDetail,
    },
    containers: {
      title: "Containers", empty: "No container.", sort: [6, -1],
      columns: [
        ["Container", (row) => hostText(row.name), (row) => row.name, ""],
        ["Host", (row) => hostText(row.host), (row) => row.host, "name"],
        ["User", (row) => hostText(row.user), (row) => row.user, ""],
        ["Status", (row) => hostText(row.status), (row) => row.status, ""],
        ["OOM", (row) => row.killed === true ? mark(0, String(row.cause).replace(/_/g, " ")) : row.killed === null ? mark(2, "unknown")
          : row.kills ? mark(3, "in an earlier run") : el("span", { class: "quiet" }, "no"),
          (row) => (row.killed === true ? 3 : row.killed === null ? 2 : row.kills ? 1 : 0), ""],
        ["Limit", (row) => row.limit === null ? "none" : size(row.limit), (row) => row.limit === null ? Infinity : row.limit, "num"],
        ["In use", (row) => el("span", {}, size(row.working_set), share(row) === null ? null : ` · ${Math.round(100 * share(row))} %`), share, "num"],
        ["Findings", (row) => severity(row.severity), (row) => -row.severity, ""],
        ["History", (row) => spark(row.history, row.limit, "spark"), (row) => row.history.length, ""],
      ],
      filters: () => [
        ["Show", [all("all containers"), option("running", "running", (row) => row.status === "running"),
          option("killed", "killed", (row) => row.killed === true), option("unknown", "verdict unknown", (row) => row.killed === null),
          option("unlimited", "without a limit", (row) => row.limit === null), option("full", "80 % in use or more", (row) => share(row) >= 0.8),
          option("found", "with findings", (row) => row.severity < about.severities.length)]],
      ],
      detail: containerDetail,
    },
    hosts: {
      title: "Hosts", empty: "No host.", sort: [1, 1],
      columns: [
        ["Host", (row) => hostText(row.name), (row) => row.name, ""],
        ["Checked", (row) => row.status === "checked" ? el("span", { class: "mark ok" }, "checked")
          : row.status === "partial" ? mark(2, "in part") : mark(0, "not checked"),
          (row) => ["checked", "partial", "not_checked"].indexOf(row.status), ""],
        ["Why", (row) => row.reason ? hostText(row.reason) : null, (row) => row.reason, "wide"],
        ["Distribution", (row) => hostText(row.distribution), (row) => row.distribution, ""],
        ["Podman", (row) => hostText(row.podman), (row) => row.podman, ""],
        ["cgroup", (row) => row.cgroup_version ? `v${row.cgroup_version}` : "–", (row) => row.cgroup_version, ""],
        ["Memory", (row) => size(row.memory), (row) => row.memory, "num"],
        ["Containers", (row) => `${number(row.containers)}, ${number(row.running)} running`, (row) => row.containers, "num"],
        ["Findings", (row) => number(row.findings), (row) => row.findings, "num"],
        ["Kills", (row) => number(row.kills), (row) => row.kills, "num"],
      ],
      filters: () => [
        ["Checked", [all("all hosts"), option("not_checked", "not checked", (row) => row.status === "not_checked"),
          option("partial", "in part", (row) => row.status === "partial"), option("checked", "checked", (row) => row.status === "checked")]],
      ],
      detail: (host) => [evidence(host)],
    },
  };
  function owner(user) { return user && user !== "root" ? el("span", { class: "user" }, hostText(user)) : null; }
  function share(row) {
    return typeof row.working_set === "number" && typeof row.limit === "number" && row.limit > 0 ? row.working_set / row.limit : null;
  }

  // -- details

  function findingDetail(finding) {
    const parts = [el("p", {}, finding.detail || finding.summary)];
    if (about.meanings[finding.rule]) parts.push(el("p", { class: "quiet" }, about.meanings[finding.rule]));
    if (finding.waiver) parts.push(el("h3", {}, "Waived"), evidence(finding.waiver));
    if (finding.remedy) parts.push(el("h3", {}, "What to do"), remedy(finding.remedy));
    parts.push(...history(finding.daily, finding.evidence && finding.evidence.limit), el("h3", {}, "Evidence"), evidence({
      id: finding.id, "first seen": finding.first_seen, "last seen": finding.last_seen, unit: finding.unit, image: finding.image,
      ...finding.evidence }));
    return parts;
  }
  function containerDetail(container) {
    const { oom, memory, labels, ...rest } = container;
    const { daily, ...now } = memory || {};
    const limit = ((now.effective || now.declared) || {}).limit;
    return [...history(daily, limit), el("h3", {}, "Verdict"), evidence(oom || {}), el("h3", {}, "Memory"), evidence(now),
      el("h3", {}, "Container"), evidence(rest), el("h3", {}, "Labels"), evidence(labels || {})];
  }
  function history(daily, limit) {
    const days = (daily || []).slice(-90);
    const chart = spark(days.map((day) => day.working_set_max), limit, "spark history");
    return chart ? [el("h3", {}, `Working set, daily maximum since ${sanitize(days[0].day)}`), chart] : [];
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
      if (typeof value === "object" && depth < 3 && !(Array.isArray(value) && value.every((item) => typeof item !== "object"))) {
        const entries = Array.isArray(value) ? value.map((item, index) => [index + 1, item]) : Object.entries(value);
        entries.slice(0, 100).forEach(([name, item]) => put(`${key ? key + " " : ""}${name}`, item, depth + 1));
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
      // shown: indexes of the rows that the filters leave, in their order; sort: [column, 1 or -1]
      Object.assign(this, { name, ...TABLES[name], rows: null, shown: [], page: 0, cache: new Map() });
      this.search = el("input", { type: "search", placeholder: "Filter by any word", "aria-label": `Filter ${name}`, oninput: () => this.soon() });
      this.selects = this.filters().map(([label, options]) => {
        const select = el("select", { "aria-label": label, onchange: () => this.update() }, ...options.map(({ value, label: text }) => el("option", { value }, text)));
        return { select, options };
      });
      this.count = el("span", { class: "found", "aria-live": "polite" });
      this.heads = this.columns.map(([title], column) =>
        el("th", { scope: "col" }, el("button", { type: "button", onclick: () => this.order(column) }, title)));
      this.body = el("tbody", {});
      this.previous = el("button", { type: "button", onclick: () => this.turn(-1) }, "Previous");
      this.next = el("button", { type: "button", onclick: () => this.turn(1) }, "Next");
      this.range = el("span", {});
      this.node = el("div", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}` },
        el("div", { class: "controls" }, this.search, ...this.selects.map(({ select }) => select), this.count),
        el("div", { class: "frame" }, el("table", {}, el("thead", {}, el("tr", {}, ...this.heads)), this.body)),
        el("div", { class: "pager" }, this.range, this.previous, this.next));
    }
    async load() {
      if (this.rows) return;
      this.rows = [];
      for (const script of blocks(this.name, "index")) {
        for (const values of await unpack(script)) this.rows.push(Object.fromEntries(about.fields[this.name].map((field, index) => [field, values[index]])));
        script.remove();
      }
      this.details = blocks(this.name, "details");
      this.texts = this.rows.map((row) => [...Object.values(row).filter((value) => typeof value === "string"), row.rule ? rule(row.rule) : ""].join("\n").toLowerCase());
      this.update();
    }
    soon() { clearTimeout(this.timer); this.timer = setTimeout(() => this.update(), 120); }
    update() {
      const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const tests = this.selects.map(({ select, options }) => options.find(({ value }) => value === select.value).test);
      this.shown = [];
      this.rows.forEach((row, index) => {
        if (tests.every((test) => test(row)) && words.every((word) => this.texts[index].includes(word))) this.shown.push(index);
      });
      this.arrange();
    }
    order(column) {
      this.sort = this.sort[0] === column ? [column, -this.sort[1]] : [column, 1];
      this.arrange();
    }
    arrange() {
      const [column, sign] = this.sort;
      const key = this.columns[column][2];
      const isEmpty = (value) => value === null || value === undefined || value === "";
      this.shown.sort((a, b) => {
        const first = key(this.rows[a]), second = key(this.rows[b]);
        if (isEmpty(first) || isEmpty(second)) return isEmpty(first) - isEmpty(second) || a - b;
        return sign * (first < second ? -1 : first > second ? 1 : 0) || a - b;
      });
      this.heads.forEach((head, index) => index === column ? head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending") : head.removeAttribute("aria-sort"));
      this.page = 0;
      this.paint();
    }
    turn(pages) { this.page += pages; this.paint(); this.node.scrollIntoView({ block: "start" }); }
    paint() {
      const from = this.page * PAGE, indexes = this.shown.slice(from, from + PAGE);
      this.body.replaceChildren(...indexes.map((index) => this.row(index)));
      if (!indexes.length) this.body.append(el("tr", {}, el("td", { class: "empty", colspan: this.columns.length }, this.rows.length ? "Nothing matches." : this.empty)));
      this.count.textContent = `${number(this.shown.length)} of ${number(this.rows.length)}`;
      this.range.textContent = this.shown.length > PAGE ? `${number(from + 1)}–${number(from + indexes.length)} of ${number(this.shown.length)}` : "";
      this.previous.hidden = this.next.hidden = this.shown.length <= PAGE;
      this.previous.disabled = this.page === 0;
      this.next.disabled = from + PAGE >= this.shown.length;
    }
    row(index) {
      const cells = this.columns.map(([title, cell, , kind], column) => {
        const content = cell(this.rows[index]);
        if (column) return el("td", { class: content === null ? `${kind} none` : kind, "data-name": title }, content);
        return el("td", { class: "first" }, el("button", { type: "button", class: "open", "aria-expanded": "false" }, content));
      });
      const line = el("tr", { class: "row" }, ...cells);
      line.addEventListener("click", (event) => {
        if (event.target.closest(".open") || !getSelection().toString()) this.toggle(line, index);
      });
      return line;
    }
    async toggle(line, index) {
      const button = line.querySelector(".open");
      if (button.getAttribute("aria-expanded") === "true") {
        button.setAttribute("aria-expanded", "false");
        line.nextElementSibling.remove();
        return;
      }
      button.setAttribute("aria-expanded", "true");
      const cell = el("td", { colspan: this.columns.length });
      line.after(el("tr", { class: "detail" }, cell));
      cell.append(...this.detail(await this.record(index)));
    }
    async record(index) {
      const block = Math.floor(index / about.detail_rows);
      if (!this.cache.has(block)) {
        if (this.cache.size > 8) this.cache.clear();
        this.cache.set(block, unpack(this.details[block]));
      }
      return (await this.cache.get(block))[index % about.detail_rows];
    }
    choose(value) {
      this.search.value = "";
      this.selects.forEach(({ select, options }) => { select.value = options.some((option) => option.value === value) ? value : options[0].value; });
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
      Object.values(tables).forEach((other, index) => {
        const isOpen = other === table;
        other.node.hidden = !isOpen;
        tabs[index].setAttribute("aria-selected", isOpen);
        tabs[index].tabIndex = isOpen ? 0 : -1;
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
