import Browser
import MergeCore
import RejoinProcesses
import SyncWire
import Values

// What holds on every page, asked of the page itself. Each returns what breaks it, in words; nothing is fine.

extension BrowserWindow {
    private func faults(_ body: String, _ arguments: Value...) async throws -> [String] {
        let prelude = """
            const shown = (e) => e.checkVisibility({ checkVisibilityCSS: true })
              && ![...function* () { for (let p = e; p; p = p.parentElement) yield p; }()]
                .some((p) => p.matches(".sr, .skip:not(:focus)"));
            const named = (e) => {
              const id = e.id ? "#" + e.id : e.getAttribute("class") ? "." + e.getAttribute("class") : "";
              return e.localName + id + " “" + (e.textContent ?? "").trim().slice(0, 40) + "”";
            };
            const faults = [];

            """
        return try await script(prelude + body + "\nreturn [...new Set(faults)];", .array(arguments)).elements
            .compactMap(\.text)
    }

    /// Whatever is wider than the window, or sticks out of the box that it lies in.
    func overflows() async throws -> [String] {
        try await faults(
            """
            const page = document.scrollingElement;
            const width = document.documentElement.clientWidth;
            if (page.scrollWidth > width) faults.push(`the page is ${page.scrollWidth} wide in a window of ${width}`);
            for (const box of document.querySelectorAll(".panel, .side, .row, .diagram, .alone, .top, .empty, .message")) {
              const right = box.getBoundingClientRect().right;
              for (const part of box.querySelectorAll("*")) {
                if (!shown(part)) continue;
                const scroller = part.parentElement.closest(".scroll, .full, textarea");
                if (scroller && box.contains(scroller)) continue;
                const edge = part.getBoundingClientRect().right;
                if (edge > right + 1)
                  faults.push(`${named(part)} sticks out of ${box.className} by ${Math.round(edge - right)}`);
              }
            }
            """)
    }

    /// What a finger would miss: everything that can be pressed is 24 CSS pixels high and wide (WCAG 2.2, 2.5.8), but for
    /// links within a sentence.
    func smallTargets() async throws -> [String] {
        try await faults(
            """
            for (const target of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")) {
              if (!shown(target) || target.namespaceURI.endsWith("svg")) continue;
              const text = target.closest("p");
              if (target.localName === "a" && text && text.textContent.trim() !== target.textContent.trim()) continue;
              let { left, right, top, bottom } = target.getBoundingClientRect();
              for (const label of target.labels ?? []) {
                const box = label.getBoundingClientRect();
                left = Math.min(left, box.left); right = Math.max(right, box.right);
                top = Math.min(top, box.top); bottom = Math.max(bottom, box.bottom);
              }
              const width = right - left, height = bottom - top;
              if (width < 24 || height < 24)
                faults.push(`${named(target)} is ${width.toFixed(1)} × ${height.toFixed(1)}`);
            }
            """)
    }

    /// Texts without enough contrast against what they stand on: 4.5:1, and 3:1 for large ones (WCAG 1.4.3).
    func faintTexts() async throws -> [String] {
        try await faults(
            """
            const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
            const read = (color) => {
              canvas.clearRect(0, 0, 1, 1);
              canvas.fillStyle = color;
              canvas.fillRect(0, 0, 1, 1);
              const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
              return { r, g, b, a: a / 255 };
            };
            const over = (top, under) => ({
              r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a),
              b: top.b * top.a + under.b * (1 - top.a), a: 1 });
            const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
            const ground = (e) => {
              const layers = [];
              for (let p = e; p; p = p.parentElement) layers.push(read(getComputedStyle(p).backgroundColor));
              return layers.reduceRight((under, layer) => over(layer, under),
                isDark ? { r: 18, g: 18, b: 18, a: 1 } : { r: 255, g: 255, b: 255, a: 1 });
            };
            const luminance = ({ r, g, b }) => [r, g, b].map((c) => c / 255)
              .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
              .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
            const contrast = (a, b) => {
              const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m);
              return (x + 0.05) / (y + 0.05);
            };
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
              const text = walker.currentNode.textContent.trim();
              const e = walker.currentNode.parentElement;
              if (!text || !shown(e) || e.closest(":disabled, title, desc, option, datalist")) continue;
              const style = getComputedStyle(e);
              const isDrawn = e.namespaceURI.endsWith("svg");
              let under = ground(e);
              if (isDrawn && e.matches(".side-letter"))
                under = over(read(getComputedStyle(e.previousElementSibling).fill), under);
              let color = read(isDrawn ? style.fill : style.color);
              for (let p = e; p; p = p.parentElement) color.a *= Number(getComputedStyle(p).opacity);
              const size = parseFloat(style.fontSize);
              const isLarge = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700;
              const ratio = contrast(over(color, under), under);
              if (ratio < (isLarge ? 3 : 4.5)) faults.push(`${named(e)} has ${ratio.toFixed(2)}:1`);
            }
            """)
    }

    /// What assistive software would stumble over.
    func accessibilityFaults() async throws -> [String] {
        try await faults(
            """
            const all = (selector, within = document) => [...within.querySelectorAll(selector)];
            if (!document.documentElement.lang) faults.push("no language");
            if (!document.title.trim()) faults.push("no title");
            for (const [selector, count] of [["h1", 1], ["main", 1], ["header.top", 1]]) {
              const found = all(selector).filter(shown).length;
              if (found !== count) faults.push(`${found} ${selector} instead of ${count}`);
            }
            const navigations = all("nav").filter(shown);
            for (const nav of navigations) if (!nav.getAttribute("aria-label")) faults.push(named(nav) + " has no label");
            let level = 0;
            for (const heading of all("h1, h2, h3, h4, h5, h6").filter(shown)) {
              const next = Number(heading.localName[1]);
              if (next > level + 1) faults.push(`${named(heading)} follows a level ${level}`);
              if (!heading.textContent.trim()) faults.push("an empty heading");
              level = next;
            }
            const ids = new Set();
            for (const { id } of all("[id]")) { if (ids.has(id)) faults.push("twice: #" + id); ids.add(id); }
            for (const attribute of ["aria-labelledby", "aria-describedby", "for", "list"]) {
              for (const e of all(`[${attribute}]`)) {
                for (const id of e.getAttribute(attribute).split(/\\s+/))
                  if (!document.getElementById(id)) faults.push(`${named(e)} names #${id}, which is not there`);
              }
            }
            const label = (e) => (e.getAttribute("aria-label")
              ?? (e.getAttribute("aria-labelledby") ?? "").split(/\\s+/)
                .map((id) => document.getElementById(id)?.textContent ?? "").join(" ")).trim();
            for (const e of all("input:not([type=hidden]), select, textarea").filter(shown)) {
              if (!label(e) && ![...e.labels].some((l) => l.textContent.trim())) faults.push(named(e) + " has no label");
            }
            for (const e of all("button, a[href], summary").filter(shown)) {
              if (!label(e) && !e.textContent.trim()) faults.push(named(e) + " has no text");
            }
            for (const e of all("svg").filter(shown)) {
              if (e.getAttribute("aria-hidden") === "true") continue;
              if (!["img", "group"].includes(e.getAttribute("role")) || !label(e)) faults.push(named(e) + " has no name");
            }
            for (const e of all("img")) if (!e.hasAttribute("alt")) faults.push(named(e) + " has no alternative text");
            for (const e of all(".scroll").filter(shown)) {
              if (e.tabIndex !== 0 || e.getAttribute("role") !== "region" || !label(e))
                faults.push(named(e) + " cannot be scrolled by keyboard");
            }
            for (const e of all("table")) if (!e.querySelector("thead th[scope=col]")) faults.push("a table without headers");
            for (const e of all("a a, a button, button a, button button, summary a, summary button, label label"))
              faults.push(named(e) + " is within something that can be pressed");
            """)
    }
}
