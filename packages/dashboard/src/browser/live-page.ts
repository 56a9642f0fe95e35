import { LiveModel } from "../live/live-model.ts";
import { type LiveLook, liveParts, liveStatus, liveTitle, usualLook } from "../live/live-view.ts";
import type { LiveFrame, LiveStart } from "../live/wire.ts";
import { ChartReader } from "./chart-reader.ts";
import { PartDrawer } from "./morph.ts";

const main = byId("content");
const status = byId("status");
const model = new LiveModel();
const drawer = new PartDrawer(main);
let look: LiveLook = { ...usualLook, windowMs: windowOfAddress(), connection: "lost", hasRows: false };
let isDrawing = false;

const reader = new ChartReader(main, model, {
  say: (text) => {
    status.textContent = text;
  },
  choose: (range) => {
    change(range ? { ...look, range } : withoutRange(look));
  },
});

function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no ${id}`);
  return element;
}

function withoutRange({ windowMs, connection, isPaused, hasRows }: LiveLook): LiveLook {
  return { windowMs, connection, isPaused, hasRows };
}

/** At most once for each picture that the screen shows; nothing while the page is hidden. */
function draw(): void {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    drawer.draw(liveParts(model, look).map((part) => () => part().text));
    document.body.className = liveStatus(model);
    document.title = liveTitle(model);
    reader.redraw();
  });
}

function change(next: LiveLook): void {
  look = next;
  for (const button of windowButtons)
    button.setAttribute(
      "aria-pressed",
      String(!look.range && button.dataset["window"] === String(look.windowMs ?? "all")),
    );
  pause?.setAttribute("aria-pressed", String(look.isPaused));
  draw();
}

// A table of values has rows while one is open.
main.addEventListener(
  "toggle",
  () => {
    const hasRows = main.querySelector("details.values[open]") !== null;
    if (hasRows !== look.hasRows) change({ ...look, hasRows });
  },
  true,
);

// The bar
const windowButtons = [...document.querySelectorAll<HTMLButtonElement>("button[data-window]")];
for (const button of windowButtons) {
  button.addEventListener("click", () => {
    const chosen = button.dataset["window"] ?? "all";
    history.replaceState(null, "", `#window=${chosen}`);
    change({ ...withoutRange(look), windowMs: chosen === "all" ? undefined : Number(chosen) });
  });
}
const pause = document.getElementById("pause");
pause?.addEventListener("click", () => {
  change({ ...look, isPaused: !look.isPaused });
});
document.getElementById("theme")?.addEventListener("click", () => {
  const root = document.documentElement;
  const isDark =
    (root.dataset["theme"] ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  root.dataset["theme"] = isDark ? "light" : "dark";
});
document.querySelector(".tools")?.removeAttribute("hidden");

/** `#window=60000` or `#window=all`; anything else is the usual one. */
function windowOfAddress(): number | undefined {
  const [, chosen] = /^#window=(all|\d{1,9})$/.exec(location.hash) ?? [];
  return chosen === undefined ? usualLook.windowMs : chosen === "all" ? undefined : Number(chosen);
}

// What the server tells. The browser connects again by itself, and says what it heard last.
const source = new EventSource("/events");
source.addEventListener("start", (event: MessageEvent<string>) => {
  model.start(JSON.parse(event.data) as LiveStart);
  change({ ...look, connection: "live" });
});
source.addEventListener("frame", (event: MessageEvent<string>) => {
  model.frame(JSON.parse(event.data) as LiveFrame);
  if (!look.isPaused) draw();
});
source.addEventListener("error", () => {
  change({ ...look, connection: "lost" });
});
source.addEventListener("end", (event: MessageEvent<string>) => {
  source.close();
  const { report } = JSON.parse(event.data) as { readonly report: boolean };
  if (report) location.replace("/report");
  else change({ ...look, connection: "ended", isPaused: false });
});
change(look);
