// Known allocations in V8 without pointer compression: the counted bytes must be these within 0.5 %.
import { bench } from "@mettle/bench";

let i = 0;
bench("two fields: 40 bytes", () => ({ a: i++ & 1023, b: 1 }));
bench("one double field: 48 bytes", () => ({ x: (i++ & 1023) + 0.5 }));
bench("array of one: 56 bytes", () => [i++ & 1023]);
bench("nothing: 0 bytes", () => i++ & 1023);
