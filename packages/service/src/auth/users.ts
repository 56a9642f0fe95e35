import { type Milliseconds, timeOrderedId } from "@mettle/core";
import type { TwoLevelCache } from "../storage/cache.ts";
import type { Database, Queries } from "../storage/database.ts";
import { hashPassword } from "./passwords.ts";
import type { Principal, Role } from "./principal.ts";

export interface User extends Principal {
  readonly passwordHash: string;
  readonly disabled: boolean;
  readonly generation: number;
}

/** What a token is checked against: whether its user is still the one it was made for. */
export interface UserState {
  readonly disabled: boolean;
  readonly generation: number;
}

export interface NewUser {
  readonly name: string;
  readonly password: string;
  readonly role: Role;
  readonly tenantId: string;
}

interface UserRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly name: string;
  readonly role: Role;
  readonly password_hash: string;
  readonly disabled: boolean;
  readonly generation: number;
}

/** Users and tenants in the database. */
export class Users {
  readonly #database: Database;
  readonly #states: TwoLevelCache<UserState>;

  constructor(database: Database, states: TwoLevelCache<UserState>) {
    this.#database = database;
    this.#states = states;
  }

  async byName(name: string): Promise<User | undefined> {
    const [row] = await this.#database.query<UserRow>("SELECT * FROM users WHERE lower(name) = lower($1)", [name]);
    return row && userOf(row);
  }

  /** From a cache that a change of the user invalidates in every instance. Hot: once a request. */
  async state(userId: string): Promise<UserState | undefined> {
    return this.#states.get(`user:${userId}`, async () => {
      const [row] = await this.#database.query<UserState>("SELECT disabled, generation FROM users WHERE id = $1", [
        userId,
      ]);
      return row;
    });
  }

  /** @returns undefined when the name is taken */
  async create(user: NewUser): Promise<Principal | undefined> {
    return insertUser(this.#database, user);
  }

  async list(tenantId: string): Promise<readonly Principal[]> {
    const rows = await this.#database.query<UserRow>("SELECT * FROM users WHERE tenant_id = $1 ORDER BY lower(name)", [
      tenantId,
    ]);
    return rows.map((row) => principalOf(row));
  }

  /** Ends all the user's tokens. @returns false when the tenant has no such user */
  async change(
    tenantId: string,
    userId: string,
    change: { password?: string; role?: Role; disabled?: boolean },
  ): Promise<boolean> {
    const hash = change.password === undefined ? null : await hashPassword(change.password);
    const changed = await this.#database.run(
      `UPDATE users SET password_hash = coalesce($3, password_hash), role = coalesce($4, role),
         disabled = coalesce($5, disabled), generation = generation + 1
       WHERE tenant_id = $1 AND id = $2`,
      [tenantId, userId, hash, change.role ?? null, change.disabled ?? null],
    );
    await this.#states.invalidate({ key: `user:${userId}` });
    return changed > 0;
  }

  /**
   * Makes the first administrator and its tenant, when there is no user at all. Instances that start together make one.
   *
   * @returns false when there are users already
   */
  async createFirst(name: string, password: string): Promise<boolean> {
    const hash = await hashPassword(password);
    return this.#database.transaction(async (queries) => {
      await queries.run("LOCK TABLE users IN EXCLUSIVE MODE");
      if (await anyUser(queries)) return false;
      const tenantId = timeOrderedId();
      await queries.run("INSERT INTO tenants (id, name) VALUES ($1, $2)", [tenantId, "default"]);
      await insertHashed(queries, { name, role: "admin", tenantId }, hash);
      return true;
    });
  }

  /** Whether nobody can log in yet. */
  async none(): Promise<boolean> {
    return !(await anyUser(this.#database));
  }
}

async function anyUser(queries: Queries): Promise<boolean> {
  return (await queries.query("SELECT 1 FROM users LIMIT 1")).length > 0;
}

async function insertUser(queries: Queries, { password, ...user }: NewUser): Promise<Principal | undefined> {
  return insertHashed(queries, user, await hashPassword(password));
}

async function insertHashed(
  queries: Queries,
  { name, role, tenantId }: Omit<NewUser, "password">,
  hash: string,
): Promise<Principal | undefined> {
  const [row] = await queries.query<UserRow>(
    `INSERT INTO users (id, tenant_id, name, role, password_hash) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (lower(name)) DO NOTHING RETURNING *`,
    [timeOrderedId(), tenantId, name, role, hash],
  );
  return row && principalOf(row);
}

const principalOf = ({ id, name, tenant_id: tenantId, role }: UserRow): Principal => ({
  userId: id,
  userName: name,
  tenantId,
  role,
});

const userOf = (row: UserRow): User => ({
  ...principalOf(row),
  passwordHash: row.password_hash,
  disabled: row.disabled,
  generation: row.generation,
});

/** How long the state of a user may be used from the cache: news of a change may get lost. */
export const userStateLifetime = 30_000 as Milliseconds;
