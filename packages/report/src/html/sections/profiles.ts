import type { FlameNode, FlameUnit } from "../../flame-layout.ts";
import { flameChart } from "../charts/flame.ts";
import { html } from "../html.ts";
import { type Section, section } from "./section.ts";

/** Where the time or memory of one benchmark goes, measured apart from it: profiled code is slower. */
export interface PageProfile {
  /** What was profiled: the benchmark's name. */
  readonly title: string;
  readonly unit: FlameUnit;
  readonly root: FlameNode;
}

/** Flame graphs of what was profiled; undefined where nothing was, which is usual. */
export function profilesSection(profiles: readonly PageProfile[] | undefined): Section | undefined {
  if (!profiles || profiles.length === 0) return undefined;
  return section(
    "profiles",
    "Profiles",
    html`<p class="dim">Measured in a run of its own, under the profiler: shares are comparable, times are longer than above. Wider is more; what a function calls is below it.</p>${profiles.map((profile) => flameChart({ ...profile, title: `${profile.title}, ${profile.unit === "ms" ? "time" : "allocated bytes"}` }))}`,
  );
}
