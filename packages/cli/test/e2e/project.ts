import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const bin: string = fileURLToPath(new URL("../../bin/mettle.js", import.meta.url));

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A temporary project in which the built command is run. */
export class Project implements Disposable {
  readonly folder: string = realpathSync(mkdtempSync(join(tmpdir(), "mettle-e2e-")));

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.write("package.json", '{ "name": "project", "type": "module" }');
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, content: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content);
  }

  start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    node: string = process.execPath,
  ): ChildProcess {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(METTLE_|GITHUB_|FORCE_COLOR|NO_COLOR|NODE_)/.test(name),
    );
    return spawn(node, [bin, ...args], {
      cwd: this.folder,
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  mettle(args: readonly string[], env: Readonly<Record<string, string>> = {}, node?: string): Promise<Outcome> {
    return outcomeOf(this.start(args, env, node));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function outcomeOf(child: ChildProcess, onStderr: (text: string) => void = () => {}): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    onStderr(stderr);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}

/** Some 10 µs of arithmetic, times SLOWER. */
export const workload = `import { bench, suite } from "@mettle/bench";
const work = (turns) => { let x = 1; for (let i = 0; i < turns; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0; return x; };
bench("work", () => work(5000 * Number(process.env.SLOWER ?? 1)));
`;
/** As little as a run can be and still have an interval. */
export const quick: readonly string[] = ["--profile", "smoke", "--seconds", "0.5", "--quiet"];
