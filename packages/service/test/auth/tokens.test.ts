import { createHmac } from "node:crypto";
import { ManualClock, ms } from "@mettle/core";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Tokens } from "../../src/auth/tokens.ts";
import type { Database } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { migrations } from "../../src/storage/migrations/index.ts";
import { testDatabase, testServer } from "../storage/server.ts";

let postgres: Awaited<ReturnType<typeof testServer>>;
let database: Database;
beforeAll(async () => {
  postgres = await testServer();
  database = await testDatabase(postgres.server);
  await migrate(database, migrations);
});
afterAll(async () => {
  await database.close();
  await postgres[Symbol.asyncDispose]();
});

const ada = { userId: "u1", userName: "Ada", tenantId: "t1", role: "operator" } as const;
const hour = 3_600_000;
const make = (clock: ManualClock): Tokens =>
  new Tokens(database, clock, { lifetime: ms(hour), keyLifetime: ms(10 * hour) });

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const parts = (
  token: string,
): [header: Record<string, unknown>, claims: Record<string, unknown>, signature: string] => {
  const [header = "", claims = "", signature = ""] = token.split(".");
  const read = (text: string): Record<string, unknown> =>
    JSON.parse(Buffer.from(text, "base64url").toString()) as Record<string, unknown>;
  return [read(header), read(claims), signature];
};

test("a token says who it was made for until it expires, in every instance", async () => {
  const clock = new ManualClock();
  const { token, expiresAt } = await make(clock).sign(ada, 3);
  const other = make(clock);
  expect(await other.verify(token)).toEqual({ ...ada, generation: 3, expiresAt });
  await clock.advance(ms(expiresAt - clock.wallTime() - 1));
  expect(await other.verify(token)).toBeDefined();
  await clock.advance(ms(1));
  expect(await other.verify(token)).toBeUndefined();
  expect(await make(clock).verify(token)).toBeUndefined();
});

test("keys change, and old ones verify until their last token has expired", async () => {
  const clock = new ManualClock();
  const tokens = make(clock);
  const first = await tokens.sign(ada, 0);
  await clock.advance(ms(9.5 * hour));
  const late = await tokens.sign(ada, 0);
  await clock.advance(ms(0.6 * hour));
  const second = await tokens.sign(ada, 0);
  const [id, lateId, nextId] = [first, late, second].map(({ token }) => parts(token)[0]["kid"]);
  expect([lateId === id, nextId === id]).toEqual([true, false]);
  expect(await tokens.verify(late.token)).toBeDefined();
  await clock.advance(ms(hour));
  const third = make(clock);
  await third.sign(ada, 0);
  const kept = await database.query<{ id: string }>("SELECT id FROM signing_keys");
  expect(kept.map(({ id: one }) => one)).not.toContain(id);
});

test("no confusion: none, an HMAC by the public key, another key, other claims, a stripped signature", async () => {
  const clock = new ManualClock();
  const tokens = make(clock);
  const { token } = await tokens.sign(ada, 0);
  const [header, claims, signature] = parts(token);
  const unsigned = (head: object, body: object = claims): string => `${encode(head)}.${encode(body)}`;
  const hmac = (text: string, key: string): string =>
    `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
  const [row] = await database.query<{ private_jwk: { x: string } }>(
    "SELECT private_jwk FROM signing_keys WHERE id = $1",
    [header["kid"]],
  );
  const publicKey = row?.private_jwk.x ?? "";
  const stranger = await generateKeyPair("EdDSA", { extractable: true });
  const sign = (change: object, key = stranger.privateKey, head: object = {}): Promise<string> =>
    new SignJWT({ ...claims, ...change }).setProtectedHeader({ ...header, alg: "EdDSA", ...head }).sign(key);
  const forged = [
    `${unsigned({ ...header, alg: "none" })}.`,
    `${unsigned({ ...header, alg: "none" })}.${signature}`,
    hmac(unsigned({ ...header, alg: "HS256" }), publicKey),
    hmac(unsigned({ ...header, alg: "HS256" }), JSON.stringify(row?.private_jwk)),
    `${unsigned(header)}.`,
    `${unsigned(header, { ...claims, role: "admin" })}.${signature}`,
    await sign({ role: "admin" }),
    await sign({}, stranger.privateKey, { jwk: await exportJWK(stranger.publicKey) }),
    await sign({}, stranger.privateKey, { kid: "made-up" }),
    `${token}x`,
    token.slice(0, -2),
    "a.b.c",
    "",
  ];
  for (const one of forged) expect([one, await tokens.verify(one)]).toEqual([one, undefined]);
  expect(await tokens.verify(token)).toBeDefined();
});

test("what our key signed for another purpose is no token of ours", async () => {
  const clock = new ManualClock();
  const tokens = make(clock);
  const { token } = await tokens.sign(ada, 0);
  const [header, claims] = parts(token);
  const { importJWK } = await import("jose");
  const [row] = await database.query<{ private_jwk: object }>("SELECT private_jwk FROM signing_keys WHERE id = $1", [
    header["kid"],
  ]);
  const key = await importJWK(row?.private_jwk ?? {}, "EdDSA");
  const sign = (change: object): Promise<string> =>
    new SignJWT({ ...claims, ...change } as Record<string, unknown>)
      .setProtectedHeader(header as { alg: string })
      .sign(key);
  expect(await tokens.verify(await sign({}))).toBeDefined();
  for (const change of [
    { aud: "other" },
    { iss: "other" },
    { role: "root" },
    { sub: undefined },
    { tenant: 7 },
    { generation: "0" },
    { exp: undefined },
    { nbf: 1e11 },
  ]) {
    expect([change, await tokens.verify(await sign(change))]).toEqual([change, undefined]);
  }
});
