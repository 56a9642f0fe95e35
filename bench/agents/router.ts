// Routing one signal among 10 000 patterns: the memo over the trie, the trie alone, and what a list of patterns costs.
// Run: node -C mettle-source bench/agents/router.ts
import { SignalFactory, SignalRouter } from "@mettle/agents";
import { compare, report } from "./measure.ts";

const factory = new SignalFactory();
const router = new SignalRouter<number>();
const forgetful = new SignalRouter<number>(1);
const list: RegExp[] = [];
for (let i = 0; i < 10_000; i++) {
  const pattern = [
    `domain${i % 100}.entity${i}.*`,
    `domain${i % 100}.**.done`,
    `*.entity${i}.created`,
    `domain${i}.entity${i}.created`,
  ][i % 4]!;
  router.add(pattern, i);
  forgetful.add(pattern, i);
  const words = pattern.split(".").map((word) => (word === "**" ? ".*" : word === "*" ? "[^.]+" : word));
  list.push(new RegExp(`^${words.join("[.]")}$`));
}
const signals = Array.from({ length: 256 }, (_, i) =>
  factory.create(`domain${i % 100}.entity${i}.created`, "bench", null),
);
let sink = 0;
const each = (count: number, act: (i: number) => number): void => {
  for (let i = 0; i < count; i++) sink += act(i & 255);
};
const known = new Map(signals.map(({ type }, i) => [type, i]));
const times = await compare([
  { name: "control: one Map.get by type", count: 2_000_000, run: (n) => each(n, (i) => known.get(signals[i]!.type)!) },
  { name: "router, type remembered", count: 2_000_000, run: (n) => each(n, (i) => router.route(signals[i]!).length) },
  {
    name: "router, type not remembered",
    count: 50_000,
    run: (n) => each(n, (i) => forgetful.route(signals[i]!).length),
  },
  {
    name: "list of patterns as regular expressions",
    count: 60,
    run: (n) => each(n, (i) => list.reduce((hits, pattern) => hits + Number(pattern.test(signals[i]!.type)), 0)),
  },
]);
report("route one signal among 10 000 patterns", times, "control: one Map.get by type");

// Patterns that come and go while signals flow: an exact one forgets its type only, one with a wildcard all types.
const churn = await compare([
  { name: "control: route 64", count: 20_000, run: (n) => each(n, () => routes64()) },
  { name: "exact pattern in and out, route 64", count: 5000, run: (n) => each(n, (i) => changed(`x.y${i}.z`)) },
  { name: "wildcard pattern in and out, route 64", count: 500, run: (n) => each(n, (i) => changed(`x.y${i}.*`)) },
]);
report("subscriptions that change", churn, "control: route 64");
if (sink === 0) throw new Error("nothing was routed");

function routes64(): number {
  let found = 0;
  for (let i = 0; i < 64; i++) found += router.route(signals[i]!).length;
  return found;
}
function changed(pattern: string): number {
  router.add(pattern, 1).remove();
  return routes64();
}
