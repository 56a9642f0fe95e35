// Mettle's runtime beside Erlang/OTP with one scheduler and beside runtimes of JavaScript, in one run: passes in which each
// subject measures in a process of its own, one after the other, so that all see the same machine. Figures are medians over
// all rounds of all passes; a ratio is the median of the ratios of the passes. Costs are CPU time of the whole process, so
// "per core"; responses (events, neighbour) are wall time and mean little while others use the machine.
//
// Run: node -C mettle-source bench/agents/versus/run.ts [--passes 3] [--rounds 3] [--only mettle,otp] [--what costs,events,neighbours]
// OTP needs `erlc` (Debian: erlang-base); the others: npm ci --prefix bench/agents/versus/peers
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Line, lines, show } from "./lines.ts";
import type { Values } from "./round.ts";

interface Subject {
  readonly name: string;
  /** The command of one process. */
  readonly command: (what: string, rounds: number) => readonly string[];
  readonly measures: readonly string[];
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const { values: options } = parseArgs({
  options: {
    passes: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    what: { type: "string", default: "costs,events,neighbours" },
  },
});

const script =
  (file: string) =>
  (what: string, rounds: number): readonly string[] => [
    process.execPath,
    "--expose-gc",
    "-C",
    "mettle-source",
    here(file),
    what,
    String(rounds),
  ];

const folder = mkdtempSync(join(tmpdir(), "mettle-versus-"));
process.once("exit", () => rmSync(folder, { recursive: true }));

function otp(): Subject | undefined {
  const compiled = spawnSync("erlc", ["-o", folder, here("mettle_bench.erl")], { encoding: "utf8" });
  if (compiled.error !== undefined) return undefined;
  if (compiled.status !== 0) throw new Error(`erlc: ${compiled.stdout}${compiled.stderr}`);
  return {
    name: "otp",
    measures: ["costs", "events", "neighbours"],
    command: (what, rounds) => [
      "erl",
      "+S",
      "1",
      "-noshell",
      "-pa",
      folder,
      "-s",
      "mettle_bench",
      "main",
      what,
      String(rounds),
    ],
  };
}

function subjects(): readonly Subject[] {
  const erlang = otp();
  if (erlang === undefined) console.error("OTP: `erlc` is not installed (Debian: erlang-base); it is left out.");
  const peers = ["xstate", "moleculer", "effect", "nact", "langgraph", "mastra"];
  const installed = existsSync(here("peers/node_modules"));
  if (!installed) console.error("Peers are left out. To install them: npm ci --prefix bench/agents/versus/peers");
  const all: readonly Subject[] = [
    { name: "mettle", measures: ["costs", "events", "neighbours"], command: script("mettle.ts") },
    ...(erlang === undefined ? [] : [erlang]),
    ...(installed ? peers : []).map((name) => ({ name, measures: ["costs"], command: script(`peers/${name}.ts`) })),
  ];
  const only = options.only?.split(",");
  return only === undefined ? all : all.filter(({ name }) => only.includes(name));
}

function measured(subject: Subject, what: string, rounds: number): readonly Values[] {
  const [program, ...rest] = subject.command(what, rounds);
  const { status, stdout, stderr, error } = spawnSync(program!, rest, { encoding: "utf8", maxBuffer: 1e8 });
  if (error !== undefined || status !== 0) throw new Error(`${subject.name}: ${error?.message ?? stderr}`);
  const found = stdout.split("\n").filter((line) => line.startsWith("{"));
  if (found.length < rounds) throw new Error(`${subject.name} printed ${found.length} of ${rounds} rounds: ${stderr}`);
  return found.map((line) => JSON.parse(line) as Values);
}

const median = (values: readonly number[]): number | undefined => values.toSorted((a, b) => a - b)[values.length >> 1];

/** By line: all values of a subject, and its median in each pass. */
class Measured {
  readonly #passes: (readonly Values[])[] = [];

  add(values: readonly Values[]): void {
    this.#passes.push(values);
  }

  all(key: string): number | undefined {
    return median(this.#passes.flat().flatMap((values) => values[key] ?? []));
  }

  byPass(key: string): readonly (number | undefined)[] {
    return this.#passes
      .filter((pass) => pass.some((values) => key in values))
      .map((pass) => median(pass.flatMap((values) => values[key] ?? [])));
  }
}

const present = subjects();
const records = new Map(present.map(({ name }) => [name, new Measured()]));
for (let pass = 0; pass < Number(options.passes); pass++) {
  for (const what of options.what.split(",")) {
    for (const subject of present) {
      if (!subject.measures.includes(what)) continue;
      console.error(`pass ${pass + 1}: ${subject.name}, ${what}`);
      records.get(subject.name)!.add(measured(subject, what, what === "costs" ? Number(options.rounds) : 1));
    }
  }
}

function ratios(line: Line, other: string): string {
  const ours = records.get("mettle")?.byPass(line.key) ?? [];
  const theirs = records.get(other)?.byPass(line.key) ?? [];
  const each = ours.flatMap((own, pass) => {
    const their = theirs[pass];
    return own === undefined || their === undefined ? [] : [their / own];
  });
  const middle = median(each);
  if (middle === undefined) return "–";
  const digits = (value: number): string => value.toFixed(value < 10 ? 2 : 0);
  return `${digits(middle)} (${digits(Math.min(...each))}–${digits(Math.max(...each))})`;
}

const others = present.map(({ name }) => name).filter((name) => name !== "mettle");
console.log(`| | mettle | ${others.map((name) => `${name} | times ours`).join(" | ")} | goal against OTP |`);
console.log(`|---|---|${others.map(() => "---|---|").join("")}---|`);
for (const line of lines) {
  const own = records.get("mettle")?.all(line.key);
  if (own === undefined) continue;
  const cells = others.flatMap((name) => [show(records.get(name)?.all(line.key), line.unit), ratios(line, name)]);
  console.log(
    `| ${line.what} | ${show(own, line.unit)} | ${cells.join(" | ")} | ${line.goal === undefined ? "" : `≥ ${line.goal}`} |`,
  );
}
