import { randomUUID } from "node:crypto";
import { open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ManualClock, Random } from "@mettle/core";
import { normalize } from "../../../src/knowledge/embedding/embedder.ts";
import { KnowledgeIndex } from "../../../src/knowledge/index/knowledge-index.ts";
import { KnowledgeStore } from "../../../src/knowledge/knowledge-store.ts";
import type { Database } from "../../../src/storage/database.ts";
import { migrate } from "../../../src/storage/migrate.ts";
import { migrations } from "../../../src/storage/migrations/index.ts";
import { testDatabase, testFolder, testServer } from "../../storage/server.ts";

const dimensions = 16;
let postgres: Awaited<ReturnType<typeof testServer>>;
let database: Database;
let store: KnowledgeStore;
let folder = "";
const opened: KnowledgeIndex[] = [];
const troubles: unknown[] = [];
beforeAll(async () => {
  postgres = await testServer();
  database = await testDatabase(postgres.server);
  await migrate(database, migrations);
  store = new KnowledgeStore(database);
  folder = await testFolder();
});
afterEach(async () => {
  for (const index of opened.splice(0)) await index.close();
  const [trouble] = troubles.splice(0);
  if (trouble !== undefined) throw trouble as Error;
});
afterAll(async () => {
  await database.close();
  await postgres[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const random = new Random(11);
const vectorOf = (): Float32Array => normalize(Float32Array.from({ length: dimensions }, () => random.normal()));
async function newTenant(): Promise<string> {
  const id = randomUUID();
  await database.run("INSERT INTO tenants (id, name) VALUES ($1::uuid, $2)", [id, id]);
  return id;
}
async function add(tenantId: string, vectors: readonly Float32Array[], model = "m"): Promise<string> {
  const chunks = vectors.map((_, i) => ({ text: `chunk ${i}`, heading: undefined, page: undefined }));
  const digest = Buffer.from(randomUUID());
  const { document } = await store.add({
    tenantId,
    userId: tenantId,
    title: "t",
    category: undefined,
    format: "text",
    digest,
    characters: 1,
    createdAt: new Date(0),
    chunks,
    vectors,
    model,
  });
  return document.id;
}
/** Its clock stands still: searches wait until the index is there. */
function indexOf(model = "m"): KnowledgeIndex {
  const embedder = { model, dimensions };
  const onTrouble = (error: unknown): void => void troubles.push(error);
  const index = new KnowledgeIndex({ store, embedder, folder, clock: new ManualClock(), onTrouble });
  opened.push(index);
  return index;
}
const best = async (index: KnowledgeIndex, tenantId: string, vector: Float32Array): Promise<number | undefined> =>
  (await index.search(tenantId, vector, 1))?.scores[0];

test("holds what the database has, of the tenant and the model asked for", async () => {
  const [mine, theirs] = [await newTenant(), await newTenant()];
  const [a, b, c] = [vectorOf(), vectorOf(), vectorOf()];
  await add(mine, [a]);
  await add(mine, [c], "another model");
  await add(theirs, [b]);
  const index = indexOf();
  expect(await best(index, mine, a)).toBeCloseTo(1, 2);
  expect(await best(index, mine, b)).toBeLessThan(0.99);
  expect(await best(index, mine, c)).toBeLessThan(0.99);
  expect(index).toMatchObject({ size: 1, tenants: 1 });
});

test("follows changes made elsewhere once it is told", async () => {
  const tenant = await newTenant();
  const index = indexOf();
  const [a, b] = [vectorOf(), vectorOf()];
  expect((await index.search(tenant, a, 5))?.keys).toEqual([]);
  const first = await add(tenant, [a]);
  await add(tenant, [b]);
  await index.changed(tenant);
  expect((await index.standing(tenant))?.version).toBe(2);
  expect(await best(index, tenant, b)).toBeCloseTo(1, 2);
  await store.remove(tenant, first);
  await index.allChanged();
  expect((await index.search(tenant, a, 5))?.keys).toHaveLength(1);
});

test("writers at the same time are all seen, whichever commits first", async () => {
  const tenant = await newTenant();
  const index = indexOf();
  await index.standing(tenant);
  const vectors = Array.from({ length: 40 }, vectorOf);
  await Promise.all(
    vectors.map(async (vector) => {
      await add(tenant, [vector]);
      await index.changed(tenant);
    }),
  );
  expect((await index.standing(tenant))?.version).toBe(40);
  for (const vector of vectors) expect(await best(index, tenant, vector)).toBeCloseTo(1, 2);
});

describe("large indices are kept over a restart", () => {
  const vectors = Array.from({ length: 10_500 }, vectorOf);
  let tenant = "";
  beforeAll(async () => {
    tenant = await newTenant();
    await add(tenant, vectors);
    const index = indexOf();
    await index.search(tenant, vectorOf(), 1);
    await index.close();
  });
  const file = (): string => join(folder, `${tenant}.usearch`);

  test("and brought up to date from there", async () => {
    expect(await readdir(folder)).toEqual([`${tenant}.usearch`, `${tenant}.usearch.json`]);
    // What is in the file must not be read from the database again.
    await database.run("UPDATE knowledge_vectors SET model = 'gone' WHERE tenant_id = $1", [tenant]);
    const added = vectorOf();
    await add(tenant, [added]);
    const index = indexOf();
    expect(await best(index, tenant, vectors[77] as Float32Array)).toBeCloseTo(1, 2);
    expect(await best(index, tenant, added)).toBeCloseTo(1, 2);
    await database.run("UPDATE knowledge_vectors SET model = 'm' WHERE tenant_id = $1", [tenant]);
  });

  test("a damaged one is not used", async () => {
    const damaged = await open(file(), "r+");
    await damaged.write(Buffer.from([1, 2, 3, 4]), 0, 4, 5000);
    await damaged.close();
    const index = indexOf();
    expect(await best(index, tenant, vectors[78] as Float32Array)).toBeCloseTo(1, 2);
  });
});
