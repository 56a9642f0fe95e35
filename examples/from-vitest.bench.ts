// A file written for `vitest bench`, as it stands: Mettle answers the import and measures in its own way.
// @ts-expect-error vitest 5 has no bench() any more; files written for vitest 1 to 4 still run here
import { bench, describe } from "vitest";

const text = JSON.stringify(Array.from({ length: 100 }, (_, id) => ({ id, name: `agent-${id}` })));

describe("json", () => {
  // vitest's own sampling options (time, iterations, warm-up) have no effect.
  bench("parse", () => JSON.parse(text), { time: 500, iterations: 10 });
  bench("parse and stringify", () => JSON.stringify(JSON.parse(text)));
});
