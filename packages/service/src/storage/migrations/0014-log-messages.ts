import type { Migration } from "../migrate.ts";

/**
 * Everybody may write messages into the server's log of changes, in a transaction that reads only too: statements of a tenant could
 * fill the disk with them. Only a superuser can take that away, as the embedded database's is; on a server of one's own docs/security.md
 * says how.
 */
export const logMessages: Migration = {
  name: "0014-log-messages",
  sql: `
DO $$
DECLARE emit regprocedure;
BEGIN
  IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN RETURN; END IF;
  FOR emit IN SELECT oid::regprocedure FROM pg_proc
    WHERE proname = 'pg_logical_emit_message' AND pronamespace = 'pg_catalog'::regnamespace
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', emit);
  END LOOP;
END $$;
`,
};
