import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What disks and network of a machine have done since it started. A part that the system does not tell is absent. */
export interface HostIo {
  /** Operations that disks have completed. */
  readonly disk?: { readonly reads: number; readonly writes: number };
  /** By interface of a known speed: seconds that its bytes take at that speed, of the busier direction. */
  readonly network: ReadonlyMap<string, number>;
}

/** Of Linux, from sysfs; nothing elsewhere. Devices that only exist in memory (loop, zram) are no disks. */
export function readHostIo(sysfs: string = "/sys"): HostIo {
  const blocks = entriesOf(join(sysfs, "block")).filter((name) => existsSync(join(sysfs, "block", name, "device")));
  const disk = { reads: 0, writes: 0 };
  for (const name of blocks) {
    // Documentation/block/stat.rst of Linux: read I/Os are the first figure, write I/Os the fifth.
    const figures = textOf(join(sysfs, "block", name, "stat"))
      .trim()
      .split(/\s+/)
      .map(Number);
    disk.reads += figures[0] ?? 0;
    disk.writes += figures[4] ?? 0;
  }
  const network = new Map<string, number>();
  for (const name of entriesOf(join(sysfs, "class/net"))) {
    const figure = (file: string): number => Number(textOf(join(sysfs, "class/net", name, file)) || Number.NaN);
    const megabits = figure("speed");
    // Virtual ones say -1, or refuse to be read.
    if (!(megabits > 0)) continue;
    const bytes = Math.max(figure("statistics/rx_bytes"), figure("statistics/tx_bytes"));
    network.set(name, (bytes * 8) / (megabits * 1e6));
  }
  return { ...(blocks.length > 0 && { disk }), network };
}

const entriesOf = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    // A device that does not know answers EINVAL, one that was just taken out is not there.
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["EINVAL", "ENOENT", "ENODEV", "EOPNOTSUPP"].includes(code)) return "";
    throw error;
  }
}
