import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { commandTable, flagsOf } from "../../src/command-line/command-table.ts";
import { choiceFlags, completionScript, shells } from "../../src/command-line/completion.ts";

function complete(...words: string[]): string[] {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const script = `${completionScript("bash")}
    COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _mettle; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout.trim().split("\n").filter(Boolean);
}

test("bash completes commands, flags, fixed values and first words", () => {
  expect(complete("mettle", "ba")).toEqual(["baseline"]);
  expect(complete("mettle", "bench", "--no")).toEqual(["--no-history", "--no-memory", "--node-flags"].sort());
  expect(complete("mettle", "bench", "--profile", "s")).toEqual(["smoke", "soak"]);
  expect(complete("mettle", "baseline", "")).toEqual(["save", "list", "show", "delete"]);
});

test.each(shells)("%s: every command and each of its flags is in the script", (shell) => {
  const script = completionScript(shell);
  for (const command of commandTable) {
    expect(script).toContain(command.name);
    for (const { name } of flagsOf(command)) expect(script).toContain(name);
  }
});

test("flags of one name offer the same values in every command, as the scripts assume", () => {
  for (const { name, type } of commandTable.flatMap(flagsOf)) {
    expect(choiceFlags().get(name)).toEqual(type.kind === "choice" ? type.choices : undefined);
  }
});
