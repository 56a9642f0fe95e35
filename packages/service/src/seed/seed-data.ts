import { createHash, randomBytes } from "node:crypto";
import { type Clock, Random, timeOrderedId } from "@mettle/core";
import { hashPassword } from "../auth/passwords.ts";
import type { Embedder } from "../knowledge/embedding/embedder.ts";
import type { KnowledgeStore, NewDocument } from "../knowledge/knowledge-store.ts";
import type { Database, Queries } from "../storage/database.ts";
import { seedDocument } from "./subjects.ts";

export interface SeedOptions {
  readonly database: Database;
  readonly store: KnowledgeStore;
  readonly embedder: Embedder;
  readonly clock: Clock;
  /** 1 for all of S4-053 … S4-056, 0.01 for a hundredth. */
  readonly scale: number;
  /** The same seed and time of day give the same data. */
  readonly seed: number;
  /** With which the users made here log in; without it nobody can as one of them. */
  readonly password: string | undefined;
  readonly onProgress: (what: string) => void;
}

/** S4-053 … S4-056. */
const wholeScale = { users: 10_000, agents: 1000, documents: 50_000, executions: 500_000 } as const;
type Part = keyof typeof wholeScale;

const dayMs = 86_400_000;
const rowsAtOnce = 5000;
const documentsAtOnce = 500;
const seededAgentTypes = ["text_processor", "data_analyzer", "multi_step_processor"] as const;

/**
 * Fills the first tenant with data to measure on. Parts that are there already are left alone, so that a start that was broken
 * off goes on where it was.
 */
export async function seedData(options: SeedOptions): Promise<void> {
  const { database } = options;
  const tenantId = await firstTenant(database);
  const userIds = seededIds(options, "users");
  await part(options, "users", (queries, rows) => seedUsers(queries, options, tenantId, userIds.slice(0, rows)));
  await part(options, "agents", (queries, rows) => seedAgents(queries, options, tenantId, rows));
  await part(options, "executions", (queries, rows) => seedExecutions(queries, options, tenantId, userIds, rows));
  await seedDocuments(options, tenantId);
  options.onProgress("counting what is there, for the database's plans");
  await database.run("ANALYZE");
}

const rowsOf = ({ scale }: SeedOptions, name: Part): number => Math.max(1, Math.round(wholeScale[name] * scale));

async function firstTenant(database: Database): Promise<string> {
  const [first] = await database.query<{ id: string }>("SELECT id FROM tenants ORDER BY created_at, id LIMIT 1");
  if (first) return first.id;
  const id = timeOrderedId();
  await database.run("INSERT INTO tenants (id, name) VALUES ($1, 'default')", [id]);
  return id;
}

/** All of a part, or nothing of it. */
async function part(
  { database, seed, onProgress, ...options }: SeedOptions,
  name: Part,
  fill: (queries: Queries, rows: number) => Promise<void>,
): Promise<void> {
  const rows = rowsOf({ database, seed, onProgress, ...options }, name);
  await database.transaction(async (queries) => {
    const added = await queries.run(
      "INSERT INTO seeded (part, seed, rows) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
      [name, seed, rows],
    );
    if (added === 0) return onProgress(`${name} are there already`);
    await fill(queries, rows);
    onProgress(`${name}: ${rows}`);
  });
}

/** Different parts draw from different sequences: a part does not depend on the size of another. */
const randomOf = ({ seed }: SeedOptions, name: string): Random =>
  new Random(seed + createHash("sha256").update(name).digest().readUInt32BE(0));

function seededIds(options: SeedOptions, name: Part): readonly string[] {
  const random = randomOf(options, `${name} ids`);
  return Array.from({ length: rowsOf(options, name) }, () => uuid(random));
}

/** Version 4 in form, from the seed. */
function uuid(random: Random): string {
  const bytes = Buffer.alloc(16);
  for (let at = 0; at < 16; at += 4) bytes.writeUInt32BE(random.uint32(), at);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

const before = ({ clock }: SeedOptions, random: Random, days: number): Date =>
  new Date(clock.wallTime() - Math.floor(random.uniform() * days * dayMs));

async function seedUsers(
  queries: Queries,
  options: SeedOptions,
  tenantId: string,
  ids: readonly string[],
): Promise<void> {
  const random = randomOf(options, "users");
  // One hash for all: ten thousand of them would take minutes, and these users have no secrets.
  const hash = await hashPassword(options.password ?? randomBytes(32).toString("hex"));
  for (let from = 0; from < ids.length; from += rowsAtOnce) {
    const some = ids.slice(from, from + rowsAtOnce);
    await queries.run(
      `INSERT INTO users (id, tenant_id, name, role, password_hash, created_at)
       SELECT id, $1, name, 'member', $2, created_at FROM unnest($3::uuid[], $4::text[], $5::timestamptz[]) AS t (id, name, created_at)`,
      [tenantId, hash, some, some.map((_, i) => userName(from + i)), some.map(() => before(options, random, 365))],
    );
  }
}

/** `user-00001` and so on. */
const userName = (at: number): string => `user-${String(at + 1).padStart(5, "0")}`;

async function seedAgents(queries: Queries, options: SeedOptions, tenantId: string, rows: number): Promise<void> {
  const random = randomOf(options, "agents");
  const agents = Array.from({ length: rows }, (_, i) => ({
    id: uuid(random),
    name: `agent-${String(i + 1).padStart(4, "0")}`,
    type: seededAgentTypes[i % seededAgentTypes.length] as string,
    configuration: JSON.stringify({
      timeout_seconds: 30 + random.below(301),
      max_tokens: 1000 + random.below(4001),
      temperature: Math.round((0.2 + 0.8 * random.uniform()) * 100) / 100,
    }),
    createdAt: before(options, random, 365),
  }));
  await queries.run(
    `INSERT INTO agents (id, tenant_id, name, agent_type, configuration, created_at)
     SELECT id, $1, name, type, configuration, created_at
     FROM unnest($2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::timestamptz[]) AS t (id, name, type, configuration, created_at)`,
    [
      tenantId,
      agents.map(({ id }) => id),
      agents.map(({ name }) => name),
      agents.map(({ type }) => type),
      agents.map(({ configuration }) => configuration),
      agents.map(({ createdAt }) => createdAt),
    ],
  );
}

/** How executions end, and how many of a hundred so. */
const endings = [
  { of: 85, state: "succeeded", error: null },
  { of: 95, state: "failed", error: { code: "EXECUTION_FAILED", message: "Seeded." } },
  { of: 100, state: "failed", error: { code: "EXECUTION_DEADLINE", message: "It was not finished in time." } },
] as const;

async function seedExecutions(
  queries: Queries,
  options: SeedOptions,
  tenantId: string,
  userIds: readonly string[],
  rows: number,
): Promise<void> {
  const random = randomOf(options, "executions");
  for (let from = 0; from < rows; from += rowsAtOnce) {
    const some = Array.from({ length: Math.min(rowsAtOnce, rows - from) }, () => {
      const roll = random.below(100);
      const created = before(options, random, 90).getTime();
      const started = created + random.below(200);
      return {
        id: uuid(random),
        userId: userIds[random.below(userIds.length)] as string,
        type: seededAgentTypes[random.below(seededAgentTypes.length)] as string,
        ending: endings.find(({ of }) => roll < of) as (typeof endings)[number],
        created: new Date(created),
        started: new Date(started),
        ended: new Date(started + 100 + random.below(30_001)),
      };
    });
    await queries.run(
      `INSERT INTO executions (id, tenant_id, user_id, agent_type, task, request_digest, state, attempts, fence,
         deadline_at, created_at, started_at, ended_at, result, error)
       SELECT id, $1, user_id, agent_type, '{"type": "seeded", "input": null, "parameters": {}}', '', state, 1, 1,
         created_at + interval '5 minutes', created_at, started_at, ended_at,
         CASE WHEN state = 'succeeded' THEN '{"seeded": true}'::jsonb END, error
       FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[])
         AS t (id, user_id, agent_type, state, error, created_at, started_at, ended_at)`,
      [
        tenantId,
        some.map(({ id }) => id),
        some.map(({ userId }) => userId),
        some.map(({ type }) => type),
        some.map(({ ending }) => ending.state),
        some.map(({ ending }) => (ending.error === null ? null : JSON.stringify(ending.error))),
        some.map(({ created }) => created),
        some.map(({ started }) => started),
        some.map(({ ended }) => ended),
      ],
    );
    told(options, "executions", from + some.length, rows);
  }
}

/** In steps of their own, since each shows in the index as it comes: the same documents again are the documents there. */
async function seedDocuments(options: SeedOptions, tenantId: string): Promise<void> {
  const { database, store, embedder, seed } = options;
  const rows = rowsOf(options, "documents");
  const [done] = await database.query("SELECT 1 FROM seeded WHERE part = 'documents'");
  if (done) return options.onProgress("documents are there already");
  const random = randomOf(options, "documents");
  for (let from = 0; from < rows; from += documentsAtOnce) {
    const some = Array.from({ length: Math.min(documentsAtOnce, rows - from) }, (_, i) =>
      seedDocument(random, from + i),
    );
    const vectors = await embedder.embed(some.map(({ title, text }) => `${title}\n${text}`));
    await store.addMany(
      some.map(
        ({ title, category, text }, i): NewDocument => ({
          tenantId,
          userId: tenantId,
          title,
          category,
          format: "text",
          digest: createHash("sha256").update(text).digest(),
          characters: text.length,
          createdAt: before(options, random, 365),
          chunks: [{ text, heading: title, page: undefined }],
          vectors: [vectors[i] as Float32Array],
          model: embedder.model,
        }),
      ),
    );
    told(options, "documents", from + some.length, rows);
  }
  await database.run("INSERT INTO seeded (part, seed, rows) VALUES ('documents', $1, $2)", [seed, rows]);
  options.onProgress(`documents: ${rows}`);
}

/** Every tenth of the way. */
function told({ onProgress }: SeedOptions, name: Part, done: number, rows: number): void {
  const step = Math.max(rowsAtOnce, rows / 10);
  if (done < rows && Math.floor(done / step) > Math.floor((done - rowsAtOnce) / step)) {
    onProgress(`${name}: ${Math.round((100 * done) / rows)} %`);
  }
}
