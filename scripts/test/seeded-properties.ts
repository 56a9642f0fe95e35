import fc from "fast-check";

// Properties try the same cases each time, so that a test fails for a change and not by lot. To look further:
//   METTLE_TEST_SEED=$RANDOM npx vitest run
fc.configureGlobal({ seed: Number(process.env["METTLE_TEST_SEED"] ?? 20_260_101) });
