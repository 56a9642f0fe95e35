import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock, ms, systemClock } from "@mettle/core";
import { afterEach, expect, test } from "vitest";
import { ServiceProcess, type ServiceLaunch } from "../../../src/service/validate/service-process.ts";
import { fakeCommand, type Trouble } from "./fake.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function launchOf(trouble: Trouble, more: Partial<ServiceLaunch> = {}): ServiceLaunch {
  const folder = mkdtempSync(join(tmpdir(), "mettle-fake-"));
  folders.push(folder);
  const dataFolder = join(folder, "data");
  return {
    command: [...fakeCommand(trouble), "--data", dataFolder],
    env: {},
    dataFolder,
    readyWithin: ms(300_000),
    endWithin: ms(30_000),
    clock: systemClock,
    ...more,
  };
}

const pidOf = ({ dataFolder }: ServiceLaunch): number => Number(readFileSync(`${dataFolder}.pid`, "utf8"));
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("is waited for until it is ready, and ends when it is told to", async () => {
  const launch = launchOf("late");
  const service = await ServiceProcess.start(launch);
  expect(service.startedIn).toBeGreaterThan(0);
  expect((await fetch(`${service.url}/ready`)).status).toBe(200);
  const pid = pidOf(launch);
  expect(isAlive(pid)).toBe(true);
  const [endedIn, again] = await Promise.all([service.stop(), service.stop()]);
  expect(endedIn).toBe(again);
  expect(isAlive(pid)).toBe(false);
  expect(service.died.aborted).toBe(false);
});

test("one that ends before it is ready is told with its last lines, and how it ended", async () => {
  await expect(ServiceProcess.start(launchOf("exits"))).rejects.toMatchObject({
    code: "SERVICE_NOT_READY",
    exitCode: 2,
    message: expect.stringMatching(/ended \(exit code 3\).*fake: the disk is full/) as string,
  });
});

test("a program that is not there is no service", async () => {
  const launch = launchOf("none", { command: ["/nonexistent/program"] });
  await expect(ServiceProcess.start(launch)).rejects.toMatchObject({
    code: "SERVICE_NOT_READY",
    message: expect.stringContaining("ENOENT") as string,
  });
});

test("one that is never ready is given up when the time is over, and ended", async () => {
  const clock = new ManualClock();
  const launch = launchOf("never-ready", { clock });
  const starting = ServiceProcess.start(launch);
  await Promise.all([
    expect(starting).rejects.toMatchObject({
      code: "SERVICE_NOT_READY",
      message: expect.stringContaining("not ready after 300 s") as string,
    }),
    clock.advance(ms(300_000)),
  ]);
});

test("one that does not heed SIGTERM is killed when the time is over", async () => {
  const launch = launchOf("ignores-sigterm");
  // Ready by the real clock; ended by one that is moved.
  const clock = new ManualClock();
  const service = await ServiceProcess.start({ ...launch, clock: { ...systemClock, sleep: realThenManual(clock) } });
  const pid = pidOf(launch);
  const stopping = service.stop();
  await clock.advance(ms(29_999));
  expect(isAlive(pid)).toBe(true);
  await clock.advance(ms(1));
  await stopping;
  expect(isAlive(pid)).toBe(false);
});

/** Short waits are real, long ones wait for the clock to be moved. */
function realThenManual(clock: ManualClock): typeof systemClock.sleep {
  return (duration, signal) => (duration === 30_000 ? clock : systemClock).sleep(duration, signal);
}

test("one that ends by itself says so with its last lines", async () => {
  const service = await ServiceProcess.start(launchOf("dies"));
  const died = new Promise((resolve) => {
    service.died.addEventListener("abort", () => resolve(service.died.reason), { once: true });
  });
  const asking = async (): Promise<void> => {
    for (;;) await (await fetch(`${service.url}/agents/status`)).text();
  };
  await expect(asking()).rejects.toThrow();
  expect(await died).toMatchObject({
    code: "SERVICE_DIED",
    exitCode: 2,
    message: expect.stringMatching(/exit code 134.*fake: out of memory/) as string,
  });
  await service.stop();
});

test("an interruption while it starts ends it", async () => {
  const interruption = new AbortController();
  const launch = launchOf("never-ready", { signal: interruption.signal });
  const starting = ServiceProcess.start(launch);
  interruption.abort(new Error("enough"));
  await expect(starting).rejects.toThrow("enough");
});
