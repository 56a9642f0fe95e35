// The servers that load generators are compared on: nginx and a plain Node server, each on core 0.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onCore } from "./on-core.ts";

export const installed = (command: string): boolean => spawnSync("which", [command]).status === 0;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

export interface Running {
  readonly url: string;
  readonly stop: () => void;
}

/** On core 0, answering every path with a small body. */
export async function startNginx(): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), "mettle-nginx-"));
  const port = await freePort();
  const config = join(folder, "nginx.conf");
  writeFileSync(
    config,
    `worker_processes 1; daemon off; pid ${folder}/nginx.pid; error_log stderr crit;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; client_body_temp_path ${folder};
  server { listen 127.0.0.1:${port}; location / { return 200 "hello world, this is a small body\\n"; } } }`,
  );
  const [command, ...args] = onCore(0, ["nginx", "-p", folder, "-c", config]);
  const child = spawn(command, args, { stdio: "inherit" });
  const url = `http://127.0.0.1:${port}/`;
  await answers(url);
  const stop = (): void => {
    child.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, stop };
}

/** Resolves when the server answers; a server that does not within ten seconds is an error. */
async function answers(url: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok === true) return;
    if (performance.now() > deadline) throw new Error(`no answer from ${url}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

/** On core 0. */
export async function startNode(): Promise<Running> {
  const program = fileURLToPath(new URL("http-server.ts", import.meta.url));
  const [command, ...args] = onCore(0, [process.execPath, program]);
  const child: ChildProcess = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! });
  const { value: url } = (await lines[Symbol.asyncIterator]().next()) as { value: string };
  return { url, stop: () => child.kill("SIGTERM") };
}
