import { MettleError } from "@mettle/core";
import { expect, test } from "vitest";
import { commandTable, flagsOf } from "../../src/command-line/command-table.ts";
import { type Environment, type Invocation, parseCommandLine } from "../../src/command-line/parse.ts";

function run(line: string, environment: Environment = {}): Invocation & { kind: "run" } {
  const invocation = parseCommandLine(line.split(" "), environment);
  if (invocation.kind !== "run") throw new Error(`not a run: ${invocation.kind}`);
  return invocation;
}

function errorOf(line: string): MettleError {
  try {
    parseCommandLine(line.split(" ").filter(Boolean), {});
  } catch (error) {
    if (error instanceof MettleError) return error;
    throw error;
  }
  throw new Error(`"${line}" was accepted`);
}

test("flags of every type become their values, wherever they stand", () => {
  const { command, positionals, flags } = run(
    "bench a.ts --margin 1% --confidence=0.95 b.ts --seconds 2.5 --no-memory --profile smoke --node-flags=--expose-gc --node-flags --seed=-4 -q".replace(
      "--node-flags --seed",
      "--node-flags=--x --seed",
    ),
  );
  expect(command.name).toBe("bench");
  expect(positionals).toEqual(["a.ts", "b.ts"]);
  expect(flags.number("margin")).toBe(0.01);
  expect(flags.number("confidence")).toBe(0.95);
  expect(flags.number("seconds")).toBe(2.5);
  expect(flags.number("seed")).toBe(-4);
  expect(flags.text("profile")).toBe("smoke");
  expect(flags.words("node-flags")).toEqual(["--expose-gc", "--x"]);
  expect([flags.on("no-memory"), flags.on("quiet"), flags.on("json")]).toEqual([true, true, false]);
  expect(flags.text("save")).toBeUndefined();
});

test("a flag wins over the environment, which fills in only what is not given", () => {
  const environment = {
    METTLE_PROFILE: "full",
    METTLE_SECONDS: "3",
    METTLE_QUIET: "0",
    METTLE_SAVE: "never",
    METTLE_OUT: "",
  };
  const { flags } = run("bench --profile smoke", environment);
  expect(flags.text("profile")).toBe("smoke");
  expect(flags.number("seconds")).toBe(3);
  expect(flags.on("quiet")).toBe(false);
  expect(flags.text("save")).toBeUndefined();
  expect(flags.text("out")).toBeUndefined();
  expect(() => run("bench", { METTLE_PROFILE: "fast" })).toThrow(/METTLE_PROFILE must be one of/);
});

test.each([
  ["bench --filtr x", "USAGE_FLAG_UNKNOWN", "Did you mean --filter?"],
  ["bnech", "USAGE_COMMAND_UNKNOWN", "Did you mean mettle bench?"],
  ["--json bench", "USAGE_FLAG_UNKNOWN", "where a command is expected"],
  ["bench --profile smok", "USAGE_VALUE_INVALID", "Did you mean smoke?"],
  ["bench --save", "USAGE_VALUE_INVALID", "needs a value"],
  ["bench --save --quiet", "USAGE_VALUE_INVALID", "looks like a flag"],
  ["bench --save=", "USAGE_VALUE_INVALID", "must not be empty"],
  ["bench --seconds 0", "USAGE_VALUE_INVALID", "number above 0"],
  ["bench --seconds abc", "USAGE_VALUE_INVALID", "number above 0"],
  ["bench --seconds Infinity", "USAGE_VALUE_INVALID", "number above 0"],
  ["bench --seed 1.5", "USAGE_VALUE_INVALID", "whole number"],
  ["bench --margin 120%", "USAGE_VALUE_INVALID", "share below 100 %"],
  ["bench --margin=-1%", "USAGE_VALUE_INVALID", "share below 100 %"],
  ["bench --json=yes", "USAGE_VALUE_INVALID", "takes no value"],
  ["compare a", "USAGE_ARGUMENT_MISSING", "needs B"],
  ["baseline sav x", "USAGE_VALUE_INVALID", "Did you mean save?"],
  ["gate a b", "USAGE_ARGUMENT_SURPLUS", '"b"'],
  ["completion powershell", "USAGE_VALUE_INVALID", "bash, zsh, fish"],
])("%s → %s", (line, code, text) => {
  const error = errorOf(line);
  expect(error.code).toBe(code);
  expect(error.exitCode).toBe(2);
  expect(error.message).toContain(text);
});

test("help and version are answered before anything is checked", () => {
  expect(parseCommandLine([], {})).toEqual({ kind: "help" });
  expect(parseCommandLine(["compare", "--help"], {})).toMatchObject({ kind: "help", command: { name: "compare" } });
  expect(parseCommandLine(["help", "gate"], {})).toMatchObject({ kind: "help", command: { name: "gate" } });
  expect(parseCommandLine(["--version"], {})).toEqual({ kind: "version" });
});

test("everything after -- is an argument", () => {
  expect(run("bench -- --odd.bench.ts").positionals).toEqual(["--odd.bench.ts"]);
});

test("asking for a flag that the command has not is a defect, not a missing value", () => {
  const { flags } = run("gate");
  expect(() => flags.text("save")).toThrow(/no text or choice or optional flag --save/);
  expect(() => flags.on("compare")).toThrow(/no switch flag --compare/);
});

test("no command has two flags of one name or letter, and every example is accepted by its own command", () => {
  for (const command of commandTable) {
    const names = flagsOf(command).flatMap(({ name, short }) => [name, ...(short ? [short] : [])]);
    expect(new Set(names).size).toBe(names.length);
    expect(command.examples.length).toBeGreaterThan(0);
    for (const example of command.examples) {
      const words = /mettle ([^)"|>]+)/.exec(example)?.[1]?.trim().split(" ") ?? [];
      expect(run(words.join(" ")).command.name).toBe(command.name);
    }
  }
});
