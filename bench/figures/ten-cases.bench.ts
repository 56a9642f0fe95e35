// Ten ordinary cases in one file: the smoke profile must be done with them in 20 s.
import { bench, suite } from "@mettle/bench";

const words = Array.from({ length: 200 }, (_, n) => `word${(n * 7919) % 200}`);
const numbers = words.map((word) => Number(word.slice(4)));
const text = JSON.stringify({ words, numbers });
const map = new Map(words.map((word, n) => [word, n]));

suite("parse", () => {
  bench("JSON.parse", () => JSON.parse(text) as unknown);
  bench("structuredClone", () => structuredClone(words));
});
suite("sort", () => {
  bench("toSorted numbers", () => numbers.toSorted((a, b) => a - b));
  bench("toSorted words", () => words.toSorted());
});
bench("JSON.stringify", () => JSON.stringify(words));
bench("map lookup", () => map.get("word42"));
bench("join", () => words.join(","));
bench("split", () => text.split(","));
bench("regular expression", () => /word19\d/.test(text));
bench("async", async () => {
  await Promise.resolve(1);
});
