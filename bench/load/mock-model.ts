/**
 * What one core of the mock model holds: N streams of chat completions at 50 tokens a second each, for some seconds.
 *
 *     node --conditions=mettle-source bench/load/mock-model.ts [streams=1000] [seconds=10] [driver]
 *
 * The server runs in a process of its own, on core 1 where `taskset` is there; the client here only counts, or with `driver` reads through our HTTP engine and driver. Reported: the
 * tokens that came against those that were due, the server's share of a core, how late its timer ran, and how far the gaps
 * that the client saw are from 20 ms.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { HttpEngine, openAiChat, startMockModel, type VirtualUser } from "@mettle/load";
import { Histogram } from "@mettle/stats";

const GAP_MS = 20;
const engine = new HttpEngine();
const [first = "1000", second = "10", third] = process.argv.slice(2);

if (first === "serve") await serve(Number(second));
else await measure(Number(first), Number(second));

async function serve(tokens: number): Promise<void> {
  const at = (value: number) => ({ kind: "constant", value }) as const;
  const model = await startMockModel({ timeToFirstToken: at(200), gap: at(GAP_MS), outputTokens: at(tokens) });
  process.stdout.write(`${model.url}\n`);
  for await (const _ of createInterface({ input: process.stdin })) {
    const { user, system } = process.cpuUsage();
    process.stdout.write(
      `${JSON.stringify({ cpuMs: (user + system) / 1000, kernelMs: system / 1000, memory: process.memoryUsage.rss(), ...model.metrics() })}\n`,
    );
  }
  await model.close();
}

interface Report {
  readonly cpuMs: number;
  /** Of that, in the kernel: sending over loopback, the receiver's part of TCP included. */
  readonly kernelMs: number;
  readonly memory: number;
  readonly lateness: { readonly p50: number; readonly p99: number; readonly max: number };
}

async function measure(streams: number, seconds: number): Promise<void> {
  const own = [...process.execArgv, import.meta.filename, "serve", String(Math.ceil(((seconds + 4) * 1000) / GAP_MS))];
  const pinned = process.platform === "linux";
  const child = spawn(pinned ? "taskset" : process.execPath, pinned ? ["-c", "1", process.execPath, ...own] : own, {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => (await lines.next()).value as string;
  const url = new URL(await next());
  const report = async (): Promise<Report> => {
    child.stdin.write("?\n");
    return JSON.parse(await next()) as Report;
  };
  const gaps = new Histogram({ resolution: 0.01 });
  let tokens = 0;
  let counting = false;
  const sockets = Array.from({ length: streams }, () => {
    let last = 0;
    const open = third === "driver" ? openDriverStream : openStream;
    return open(url, (events, at) => {
      if (counting) {
        tokens += events;
        if (last > 0) for (let i = 0; i < events; i++) gaps.record(Math.abs((at - last) / events - GAP_MS));
      }
      last = at;
    });
  });
  // Until every stream runs: the handshakes are no part of what is measured.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const [before, startedAt] = [await report(), performance.now()];
  counting = true;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  counting = false;
  const [after, elapsed] = [await report(), performance.now() - startedAt];
  for (const socket of sockets) socket.destroy();
  child.stdin.end();
  await once(child, "exit");
  const due = (streams * elapsed) / GAP_MS;
  const ms = (value: number | undefined): string => (value === undefined ? "–" : `${value.toFixed(2)} ms`);
  process.stdout.write(
    [
      `streams              ${streams}`,
      `tokens               ${tokens} of ${Math.round(due)} due (${((100 * tokens) / due).toFixed(1)} %), ${Math.round((tokens / elapsed) * 1000)}/s`,
      `server's CPU         ${((100 * (after.cpuMs - before.cpuMs)) / elapsed).toFixed(1)} % of a core, ${(((after.cpuMs - before.cpuMs) * 1000) / tokens).toFixed(1)} µs a token, ${(((after.kernelMs - before.kernelMs) * 1000) / tokens).toFixed(1)} of them in the kernel`,
      `server's memory      ${Math.round(after.memory / 2 ** 20)} MiB`,
      `server's lateness    p50 ${ms(after.lateness.p50)}, p99 ${ms(after.lateness.p99)}, max ${ms(after.lateness.max)} (over all its time)`,
      `gap error at client  p50 ${ms(gaps.quantile(0.5))}, p99 ${ms(gaps.quantile(0.99))}, max ${ms(gaps.max)}`,
      "",
    ].join("\n"),
  );
}

type OnEvents = (events: number, at: number) => void;

/** As a virtual user of a load test reads it. */
function openDriverStream(url: URL, onEvents: OnEvents): { destroy(): void } {
  const http = engine.client();
  const driver = openAiChat({ url: `${url.href}v1`, model: "m" });
  const user = { http, signal: new AbortController().signal } as unknown as VirtualUser;
  void driver
    .open(user)
    .then((session) =>
      session.send(
        { messages: [{ role: "user", content: "hi" }] },
        (event) => event.type === "token" && onEvents(1, event.at),
      ),
    );
  return { destroy: () => http.close() };
}

function openStream(url: URL, onEvents: OnEvents): { destroy(): void } {
  const body = JSON.stringify({ model: "m", stream: true, messages: [{ role: "user", content: "hi" }] });
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true }, () => {
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: ${url.host}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
  });
  socket.on("data", (chunk: Buffer) => {
    const at = performance.now();
    let events = 0;
    for (let i = chunk.indexOf("data: "); i >= 0; i = chunk.indexOf("data: ", i + 6)) events++;
    if (events > 0) onEvents(events, at);
  });
  return socket;
}
