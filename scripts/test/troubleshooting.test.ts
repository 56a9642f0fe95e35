import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { settings } from "@mettle/service";
import { describe, expect, test } from "vitest";
import { commandNamed, commandTable, flagsOf } from "../../packages/cli/src/command-line/command-table.ts";

const root = new URL("../../", import.meta.url);
const guide = readFileSync(new URL("docs/troubleshooting.md", root), "utf8");
const sources = globSync("packages/*/src/**/*.ts", { cwd: fileURLToPath(root) }).map((file) =>
  readFileSync(new URL(file, root), "utf8"),
);
const spans = [...guide.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
const words = (form: RegExp): readonly string[] => [...new Set(spans.flatMap((span) => span.match(form) ?? []))];

/** The constant parts of a quoted message, which has … where its figures stand. */
const partsOf = (message: string): readonly string[] => message.split("…").map((part) => part.trim());
/** As it may stand in a source: figures there are made in templates, numbers are set with their units. */
const isSaidIn = (source: string, message: string): boolean =>
  partsOf(message).every((part) => part === "" || source.includes(part));

describe("S4-137, T-26: what docs/troubleshooting.md quotes is there", () => {
  test("codes", () => {
    const codes = words(/^(?:\d{3} )?[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/).filter(
      (code) => !Object.values(settings).some(({ variable }) => variable === code),
    );
    expect(codes.length).toBeGreaterThan(50);
    // What the framework refuses has its code with another beginning.
    const known = (code: string): boolean =>
      sources.some((source) => source.includes(`"${code}"`) || new RegExp(`\\b${code}: \\{`).test(source));
    expect(codes.filter((code) => !known(code) && code !== "REQUEST_BODY_TOO_LARGE")).toEqual([]);
  });

  test("messages", () => {
    const prose = guide.replaceAll(/```[\s\S]*?```/g, "").replaceAll(/`[^`\n]*`/g, "");
    const messages = [...prose.matchAll(/"([^"\n]{12,})"/g)].map(([, message = ""]) => message);
    expect(messages.length).toBeGreaterThan(8);
    expect(messages.filter((message) => !sources.some((source) => isSaidIn(source, message)))).toEqual([]);
  });

  test("settings of the service", () => {
    const variables: readonly string[] = Object.values(settings).map(({ variable }) => variable);
    const named = words(
      /\b(?:METTLE_[A-Z_]+|MODEL_[A-Z_]+|EMBEDDING_(?!FAILED)[A-Z_]+|(?:DATABASE|REDIS|NATS)_URL|LOG_LEVEL)\b/g,
    );
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((each) => !variables.includes(each))).toEqual([]);
  });

  test("metrics", () => {
    const metrics = words(/^(?:http_server|database_pool|cache|executions|gateway|tool|model|knowledge)_[a-z_]+$/);
    expect(metrics.length).toBeGreaterThan(12);
    expect(metrics.filter((name) => !sources.some((source) => source.includes(`"${name}"`)))).toEqual([]);
  });

  test("commands and their flags, also those that stand alone", () => {
    const alone = spans.filter((span) => span.startsWith("--")).map((span) => span.slice(2).split(/[ =]/)[0]);
    const all = commandTable.flatMap((command) => flagsOf(command).map(({ name }) => name));
    expect(alone.length).toBeGreaterThan(3);
    expect(alone.filter((name = "") => !all.includes(name))).toEqual([]);
    const commands = spans.filter((span) => span.startsWith("mettle ")).map((span) => span.split(" ").slice(1));
    expect(commands.length).toBeGreaterThan(5);
    const strange = commands.filter(([name = "", ...rest]) => {
      const command = commandNamed(name);
      const flags = rest.filter((word) => word.startsWith("--")).map((word) => word.slice(2).split("=")[0]);
      return !command || flags.some((flag) => !flagsOf(command).some((known) => known.name === flag));
    });
    expect(strange).toEqual([]);
  });

  test("headings of other guides", () => {
    const links = [...guide.matchAll(/\]\(([\w./-]+\.md)#([\w-]+)\)/g)];
    expect(links.length).toBeGreaterThan(3);
    const missing = links.filter(([, page = "", heading = ""]) => {
      const text = readFileSync(new URL(`docs/${page}`, root), "utf8");
      const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
        title.toLowerCase().replaceAll(" ", "-"),
      );
      return !headings.includes(heading);
    });
    expect(missing.map(([link]) => link)).toEqual([]);
  });
});
