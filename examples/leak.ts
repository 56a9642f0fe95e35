// Does a cycle of work leave something behind? Memory after each cycle and a forced collection, and whether it grows.
//
//   node --expose-gc examples/leak.ts
import { measureLeak } from "@mettle/bench";
import { formatQuantity } from "@mettle/core";

const listeners: (() => void)[] = [];
const cycles = {
  // Forgets to unsubscribe: 64 KiB stay with every session.
  leaking: () => {
    const session = new Uint8Array(65_536);
    listeners.push(() => session.fill(0));
  },
  tidy: () => {
    new Uint8Array(65_536).fill(1);
  },
};

for (const [name, cycle] of Object.entries(cycles)) {
  // Growth below 8 KiB a cycle is none here; 24 cycles are enough for a leak of this size.
  const { outcome, slopeBytesPerCycle } = await measureLeak({ cycle, cycles: 24, minimumBytesPerCycle: 8192 });
  const growth = outcome === "leak" ? `, ${formatQuantity(slopeBytesPerCycle, "bytes")} a cycle` : "";
  console.log(`${name}: ${outcome}${growth}`);
}
