import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../../cli/bin/mettle.js", import.meta.url));

export interface Serving extends AsyncDisposable {
  readonly child: ChildProcess;
  /** What the command said when it began to listen. */
  readonly listening: Readonly<Record<string, string>>;
}

/** A command of the built `mettle` that serves: started with `--json`, ended with SIGTERM unless it has ended by itself. */
export async function serving(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Serving> {
  const child = spawn(process.execPath, [bin, ...args, "--json"], {
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = once(child, "close");
  const lines = createInterface(child.stdout);
  const first = once(lines, "line").then(([line]) => String(line));
  lines.on("line", (line) => (said += `${line}\n`));
  const failed = ended.then(() => Promise.reject(new Error(`mettle ${args.join(" ")} ended: ${said}`)));
  // An error is an object over several lines: then the end says all of it.
  const line = await Promise.race([first.then((one) => (one.endsWith("}") ? one : failed)), failed]);
  failed.catch(() => undefined); // it ends some time
  return {
    child,
    listening: JSON.parse(line) as Record<string, string>,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      await ended;
    },
  };
}
