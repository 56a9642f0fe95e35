import { expect, test } from "vitest";
import { commandTable, flagsOf } from "../../src/command-line/command-table.ts";
import { commandHelp, generalHelp } from "../../src/command-line/help.ts";

test("the general help names every command and every exit code", () => {
  const help = generalHelp();
  for (const { name, summary } of commandTable) {
    expect(help).toContain(`  ${name} `);
    expect(help).toContain(summary);
  }
  for (const code of [
    "0 pass",
    "1 internal",
    "2 usage",
    "3 objective",
    "4 regression",
    "5 invalid",
    "130 interrupted",
  ]) {
    expect(help).toContain(code);
  }
});

test("a command's help names each of its flags with its help, its variable and an example", () => {
  for (const command of commandTable) {
    const help = commandHelp(command);
    for (const { name, help: text } of flagsOf(command)) {
      expect(help).toContain(`--${name}`);
      expect(help).toContain(text);
    }
    expect(help).toContain(`  ${command.examples[0]}`);
    expect(Math.max(...help.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
  }
  expect(generalHelp()).toContain("[METTLE_OUT]");
});
