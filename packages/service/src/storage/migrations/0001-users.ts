import type { Migration } from "../migrate.ts";

/**
 * Tenants, their users, the keys that sign tokens, and failed logins. A user's name is unique over all tenants: logging
 * in asks for no tenant. Passwords are argon2id hashes; private keys never leave the service.
 */
export const users: Migration = {
  name: "0001-users",
  sql: `
CREATE TABLE tenants (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE users (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  name text NOT NULL,
  role text NOT NULL CHECK (role IN ('admin', 'operator', 'member')),
  password_hash text NOT NULL,
  disabled boolean NOT NULL DEFAULT false,
  -- Raised when the password or role changes: tokens from before are refused.
  generation integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_name ON users (lower(name));
CREATE INDEX users_tenant ON users (tenant_id);
CREATE TABLE signing_keys (
  id text PRIMARY KEY,
  private_jwk jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  retired_at timestamptz
);
CREATE TABLE login_failures (
  subject text PRIMARY KEY,
  failures integer NOT NULL,
  first_at timestamptz NOT NULL,
  locked_until timestamptz
);
`,
};
