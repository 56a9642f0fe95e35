import { ms } from "@mettle/core";
import { expect, test } from "vitest";
import { hashPassword, PasswordVerifier } from "../../src/auth/passwords.ts";

test("hashes are argon2id with at least what OWASP asks for, and salted", async () => {
  const [one, two] = [await hashPassword("same"), await hashPassword("same")];
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(two).not.toBe(one);
});

test("what was right is not hashed again for a while; what was wrong always is", async () => {
  let now = 1;
  const verifier = new PasswordVerifier({ remember: ms(1000), now: () => now });
  const stored = await hashPassword("right");
  expect(await verifier.verify(stored, "right")).toBe(true);
  expect(await verifier.verify(stored, "right")).toBe(true);
  expect(verifier.statistics).toEqual({ hashed: 1, remembered: 1 });
  expect(await verifier.verify(stored, "wrong")).toBe(false);
  expect(await verifier.verify(stored, "wrong")).toBe(false);
  expect(verifier.statistics.hashed).toBe(3);
  now = 1002;
  expect(await verifier.verify(stored, "right")).toBe(true);
  expect(verifier.statistics.hashed).toBe(4);
});

test("a changed password forgets the old one at once", async () => {
  const verifier = new PasswordVerifier({ remember: ms(60_000) });
  await verifier.verify(await hashPassword("old"), "old");
  expect(await verifier.verify(await hashPassword("new"), "old")).toBe(false);
});

test("nobody's password is hashed too, and never right", async () => {
  const verifier = new PasswordVerifier({ remember: ms(60_000) });
  expect(await verifier.verify(undefined, "anything")).toBe(false);
  expect(await verifier.verify(undefined, "anything")).toBe(false);
  expect(verifier.statistics).toEqual({ hashed: 2, remembered: 0 });
});

test("can be told to remember nothing", async () => {
  const verifier = new PasswordVerifier({ remember: ms(0) });
  const stored = await hashPassword("right");
  await verifier.verify(stored, "right");
  await verifier.verify(stored, "right");
  expect(verifier.statistics).toEqual({ hashed: 2, remembered: 0 });
});
