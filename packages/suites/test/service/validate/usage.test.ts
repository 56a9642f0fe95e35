import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ManualClock, ms } from "@mettle/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { Recorder } from "../../../src/measure/recorder.ts";
import { type HostIo, readHostIo } from "../../../src/service/validate/host-io.ts";
import { UsageSamples } from "../../../src/service/validate/usage.ts";

function sysfs(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "mettle-sysfs-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

describe("what disks and network of the machine do", () => {
  test("disks are counted together, devices in memory are none, and interfaces of unknown speed are left out", () => {
    const folder = sysfs({
      "block/vda/device/x": "",
      "block/vda/stat": "  100 2 800 5  40 1 320 3 0 7 8\n",
      "block/sdb/device/x": "",
      "block/sdb/stat": "5 0 0 0 6 0 0 0 0 0 0",
      "block/loop0/stat": "9000 0 0 0 9000 0 0 0 0 0 0",
      "class/net/eth0/speed": "1000\n",
      "class/net/eth0/statistics/rx_bytes": "125000000\n",
      "class/net/eth0/statistics/tx_bytes": "250000000\n",
      "class/net/eth1/speed": "-1\n",
      "class/net/lo/statistics/rx_bytes": "5\n",
    });
    expect(readHostIo(folder)).toEqual({ disk: { reads: 105, writes: 46 }, network: new Map([["eth0", 2]]) });
  });

  test("a system without them tells of none", () => {
    expect(readHostIo(sysfs({}))).toEqual({ network: new Map() });
  });
});

describe("usage under load (S4-025, S4-026)", () => {
  const during = async (io: (second: number) => HostIo, local = true): Promise<Recorder> => {
    const clock = new ManualClock();
    const samples = new UsageSamples(() => io(clock.now() / 1e9));
    const work = async (): Promise<void> => {
      for (let i = 0; i < 4; i++) await clock.advance(ms(500));
    };
    await samples.during(work, () => Promise.resolve(undefined), clock, local);
    const record = new Recorder([], {});
    samples.record(record);
    return record;
  };
  const steady = (second: number): HostIo => ({
    disk: { reads: 300 * second, writes: 70 * second },
    network: new Map([
      ["eth0", 0.25 * second],
      ["eth1", 0.1 * second],
    ]),
  });

  test("operations of disks a second, and the share of the busiest interface's speed", async () => {
    const measured = (await during(steady)).measurements();
    const means = measured.map(({ metric, unit, summary }) => [metric, unit, summary.mean]);
    expect(means).toEqual([
      ["service.usage.disk.reads", "1/s", expect.closeTo(300, 6)],
      ["service.usage.disk.writes", "1/s", expect.closeTo(70, 6)],
      ["service.usage.network", "1", expect.closeTo(0.25, 6)],
    ]);
  });

  test("is absent where the system does not tell, and of a service elsewhere", async () => {
    expect((await during(() => ({ network: new Map() }))).measurements()).toEqual([]);
    expect((await during(steady, false)).measurements()).toEqual([]);
  });
});
