// The query before and after (S4-130), step by step: node -C mettle-source bench/service/query-optimization.ts [scale] [rounds]
import { Random, systemClock } from "@mettle/core";
import { median } from "@mettle/stats";
import { LocalEmbedder } from "../../packages/service/src/knowledge/embedding/local-embedder.ts";
import { KnowledgeStore } from "../../packages/service/src/knowledge/knowledge-store.ts";
import { seedData } from "../../packages/service/src/seed/seed-data.ts";
import { benchDatabase, print, timesOf } from "./figures.ts";

const [, , scaleGiven = "0.2", roundsGiven = "15"] = process.argv;
const rounds = Number(roundsGiven);

await using bench = await benchDatabase();
const { database } = bench;
await seedData({
  database,
  store: new KnowledgeStore(database),
  embedder: await LocalEmbedder.load(384),
  clock: systemClock,
  scale: Number(scaleGiven),
  seed: 1,
  password: undefined,
  onProgress: (what) => process.stderr.write(`${what}\n`),
});
// The example's table: executions that name the agent they were of, twice, with and without indexes.
await database.run(`CREATE TABLE plain AS
  SELECT e.id, e.user_id, a.id AS agent_id, e.state AS status, e.created_at,
    extract(epoch FROM e.ended_at - e.started_at) * 1000 AS duration_ms
  FROM (SELECT *, row_number() OVER () % (SELECT count(*) FROM agents) AS n FROM executions) e
  JOIN (SELECT *, row_number() OVER () - 1 AS n FROM agents) a USING (n)`);
await database.run("CREATE TABLE indexed AS SELECT * FROM plain");
await database.run("CREATE INDEX ON indexed (status, user_id)");
await database.run("CREATE INDEX ON indexed (agent_id)");
await database.run("ANALYZE");

const recent = "e.created_at > now() - interval '30 days'";
const joined = (table: string, where = "", end = ""): string =>
  `SELECT u.id, u.name, count(*) AS n, avg(e.duration_ms) AS mean FROM ${table} e
   JOIN users u ON u.id = e.user_id JOIN agents a ON a.id = e.agent_id
   WHERE e.status = 'succeeded' ${where} GROUP BY u.id, u.name ORDER BY n DESC, u.id ${end}`;
const aggregatedFirst = (table: string, end = ""): string =>
  `WITH counts AS (
     SELECT e.user_id, count(*) AS n, avg(e.duration_ms) AS mean FROM ${table} e
     WHERE e.status = 'succeeded' AND ${recent} GROUP BY e.user_id ORDER BY n DESC, e.user_id ${end})
   SELECT u.id, u.name, counts.n, counts.mean FROM counts JOIN users u ON u.id = counts.user_id ORDER BY n DESC, u.id`;

/** Each answers the same question as the one before it but for what its name says. */
const steps: readonly (readonly [string, string])[] = [
  ["before: all joined, then counted", joined("plain")],
  ["only 30 days", joined("plain", `AND ${recent}`)],
  ["counted first, then joined", aggregatedFirst("plain")],
  ["with the indexes", aggregatedFirst("indexed")],
  ["after: the first 100 only", aggregatedFirst("indexed", "LIMIT 100")],
];

const [window, first, indexed] = await Promise.all(
  [steps[1], steps[2], steps[3]].map(async (step) => database.query(step?.[1] ?? "")),
);
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
if (!same(window, first) || !same(first, indexed)) throw new Error("the steps do not answer the same question");
const limited = await database.query(steps[4]?.[1] ?? "");
if (!same(limited, indexed?.slice(0, 100))) throw new Error("the first 100 are not the first 100");

// In turn, in an order drawn anew each round: what the machine does besides falls on all of them.
const random = new Random(3);
const times = new Map(steps.map(([name]) => [name, [] as number[]]));
for (let round = 0; round <= rounds; round++) {
  for (const [name, sql] of random.shuffle([...steps])) {
    const [time = 0] = await timesOf(1, () => database.query(sql));
    if (round > 0) times.get(name)?.push(time); // the first round fills the caches
  }
}
const before = median(Float64Array.from(times.get(steps[0]?.[0] ?? "") ?? []));
for (const [name, samples] of times) {
  const middle = median(Float64Array.from(samples));
  print(name, `${middle.toFixed(1)} ms   ${(before / middle).toFixed(2)} times as fast as before`);
}
